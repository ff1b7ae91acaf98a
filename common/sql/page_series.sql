-- Means of one sensor's flow and pressure over each step of time.
SELECT extract(epoch FROM date_bin(%(step)s, time, 'epoch'))::bigint AS at, avg(flow), avg(pressure)
FROM REAL_VAL_TB WHERE site = %(site)s AND sensor = %(sensor)s AND time >= %(from)s AND time < %(to)s
GROUP BY at ORDER BY at
