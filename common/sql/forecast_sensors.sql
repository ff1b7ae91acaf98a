-- Registered sensors of a site with rows since %(first)s, and the times of the first and last of them.
SELECT s.sensor, span.first, span.last
FROM SENSOR_TB s
CROSS JOIN LATERAL (
    SELECT (SELECT r.time FROM REAL_VAL_TB r WHERE r.site = s.site AND r.sensor = s.sensor AND r.time >= %(first)s
            ORDER BY r.time LIMIT 1) AS first,
           (SELECT r.time FROM REAL_VAL_TB r WHERE r.site = s.site AND r.sensor = s.sensor AND r.time >= %(first)s
            ORDER BY r.time DESC LIMIT 1) AS last
) span
WHERE s.site = %(site)s AND span.first IS NOT NULL
ORDER BY s.sensor
