-- The newest row of each sensor of a site up to %(until)s (a later one was made by a wrong clock); at most %(sensors)s.
SELECT known.sensor, newest.time, newest.flow, newest.pressure, newest.flow_flags, newest.pressure_flags
FROM (SELECT site, sensor FROM SENSOR_TB WHERE site = %(site)s ORDER BY sensor LIMIT %(sensors)s) AS known
CROSS JOIN LATERAL (
    SELECT time, flow, pressure, flow_flags, pressure_flags FROM REAL_VAL_TB AS taken
    WHERE taken.site = known.site AND taken.sensor = known.sensor AND taken.time <= %(until)s
    ORDER BY time DESC LIMIT 1) AS newest
ORDER BY known.sensor
