-- One sensor's rows, oldest first, for learning criteria.
-- %(sensor)s; %(first)s: the first minute; %(end)s: the minute after the last.
SELECT (extract(epoch FROM time) / 60)::bigint AS minute, flow, pressure, flow_flags, pressure_flags
FROM REAL_VAL_TB
WHERE sensor = %(sensor)s AND time >= %(first)s AND time < %(end)s
ORDER BY time
