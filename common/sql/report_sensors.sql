-- Each registered sensor of a site, or one, with its name and the time of its first row.
SELECT sensor, name, (SELECT min(time) FROM REAL_VAL_TB AS taken WHERE taken.site = known.site AND taken.sensor = known.sensor)
FROM SENSOR_TB AS known
WHERE site = %(site)s AND (%(sensor)s::text IS NULL OR sensor = %(sensor)s)
ORDER BY sensor
