-- Which points of the rows that have arrived are not registered, and how many of its site are.
SELECT site, sensor, (SELECT count(*) FROM SENSOR_TB known WHERE known.site = came.site)
FROM (SELECT DISTINCT site, sensor FROM arrived) came
WHERE NOT EXISTS (SELECT FROM SENSOR_TB known WHERE known.site = came.site AND known.sensor = came.sensor)
ORDER BY site, sensor
