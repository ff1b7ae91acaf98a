-- Sensor by sensor of a site along the primary key, because the table may have months of rows of one unregistered sensor.
WITH RECURSIVE known AS (
    (SELECT sensor FROM UNREGISTERED_VAL_TB WHERE site = %(site)s ORDER BY sensor LIMIT 1)
    UNION ALL
    SELECT (SELECT sensor FROM UNREGISTERED_VAL_TB u
            WHERE u.site = %(site)s AND u.sensor > known.sensor ORDER BY sensor LIMIT 1)
    FROM known WHERE known.sensor IS NOT NULL)
SELECT sensor, (SELECT min(time) FROM UNREGISTERED_VAL_TB u WHERE u.site = %(site)s AND u.sensor = known.sensor),
               (SELECT max(time) FROM UNREGISTERED_VAL_TB u WHERE u.site = %(site)s AND u.sensor = known.sensor)
FROM known WHERE sensor IS NOT NULL LIMIT %(limit)s
