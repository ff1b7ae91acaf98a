-- Mean accepted pressure of each hour of a day, one row per registered sensor of a site and hour with a value; without values
-- of an instrument that was replaced on that day.
-- %(first)s: the day's first minute; %(end)s: the minute after its last.
SELECT taken.sensor, avg(pressure) AS pressure
FROM REAL_VAL_TB AS taken
JOIN SENSOR_TB AS known ON known.site = taken.site AND known.sensor = taken.sensor
WHERE taken.site = %(site)s AND taken.time >= %(first)s AND taken.time < %(end)s
  AND pressure IS NOT NULL AND left(pressure_flags, 1) = '0'
  AND (known.replaced_at IS NULL OR known.replaced_at >= %(end)s OR taken.time >= known.replaced_at)
GROUP BY taken.sensor, floor(extract(epoch FROM taken.time - %(first)s::timestamptz) / 3600)
ORDER BY taken.sensor, min(taken.time)
