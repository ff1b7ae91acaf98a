-- Registered sensors, with the first and last row time since %(first)s; none without rows there.
SELECT s.sensor, span.first, span.last
FROM SENSOR_TB s
CROSS JOIN LATERAL (
    SELECT (SELECT r.time FROM REAL_VAL_TB r WHERE r.sensor = s.sensor AND r.time >= %(first)s
            ORDER BY r.time LIMIT 1) AS first,
           (SELECT r.time FROM REAL_VAL_TB r WHERE r.sensor = s.sensor AND r.time >= %(first)s
            ORDER BY r.time DESC LIMIT 1) AS last
) span
WHERE span.first IS NOT NULL
ORDER BY s.sensor
