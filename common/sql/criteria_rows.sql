-- One sensor's rows of a minute, oldest first, for learning criteria: longer steps do not show how minutes differ.
-- %(site)s, %(sensor)s; %(first)s: the first minute; %(end)s: the minute after the last.
SELECT (extract(epoch FROM time) / 60)::bigint AS minute, flow, pressure, flow_flags, pressure_flags
FROM REAL_VAL_TB
WHERE site = %(site)s AND sensor = %(sensor)s AND time >= %(first)s AND time < %(end)s AND minutes = 1
ORDER BY time
