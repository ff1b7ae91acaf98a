-- Every registered sensor of a site, and every unregistered one with rows, with its newest row. Unregistered sensors are
-- found one by one along the key, because one may have months of rows.
WITH RECURSIVE kept AS (
    (SELECT sensor FROM UNREGISTERED_VAL_TB WHERE site = %(site)s ORDER BY sensor LIMIT 1)
    UNION ALL
    SELECT (SELECT sensor FROM UNREGISTERED_VAL_TB AS later
            WHERE later.site = %(site)s AND later.sensor > kept.sensor ORDER BY sensor LIMIT 1)
    FROM kept WHERE kept.sensor IS NOT NULL)
SELECT sensor, name, flow_max, pressure_max, latitude, longitude,
       (SELECT max(time) FROM REAL_VAL_TB AS taken
        WHERE taken.site = known.site AND taken.sensor = known.sensor) AS newest, true AS registered
FROM SENSOR_TB AS known WHERE site = %(site)s
UNION ALL
SELECT sensor, '', NULL, NULL, NULL, NULL,
       (SELECT max(time) FROM UNREGISTERED_VAL_TB AS taken
        WHERE taken.site = %(site)s AND taken.sensor = kept.sensor), false
FROM kept WHERE sensor IS NOT NULL
ORDER BY registered DESC, sensor
