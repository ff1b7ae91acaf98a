-- The oldest row of any registered sensor of a site.
SELECT min(first) FROM SENSOR_TB AS known CROSS JOIN LATERAL
    (SELECT min(time) AS first FROM REAL_VAL_TB AS taken WHERE taken.site = known.site AND taken.sensor = known.sensor) AS oldest
WHERE known.site = %(site)s
