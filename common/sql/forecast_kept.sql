-- The kept hours of these sensors of a site, of the wall clock %(zone)s.
SELECT sensor, first, flow, pressure, through, read_at
FROM FORECAST_HOURS_TB
WHERE site = %(site)s AND sensor = ANY(%(sensors)s) AND timezone = %(zone)s
