-- Samples and flags of each registered sensor's newest row: one index lookup per sensor.
SELECT known.sensor, newest.samples, newest.flow_flags, newest.pressure_flags
FROM SENSOR_TB AS known
CROSS JOIN LATERAL (
    SELECT samples, flow_flags, pressure_flags FROM REAL_VAL_TB AS taken
    WHERE taken.site = known.site AND taken.sensor = known.sensor AND taken.time <= %(until)s ORDER BY time DESC LIMIT 1
) AS newest
WHERE known.site = %(site)s
