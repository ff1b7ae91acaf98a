-- Hourly means in local time, per sensor, of the minutes that SYSTEM accepts, with the number of minutes, and the
-- number under a leak (lower case: during planned work). Rows from %(first)s to before %(until)s.
SELECT sensor,
       extract(epoch FROM date_trunc('hour', time AT TIME ZONE %(zone)s))::bigint / 3600 AS hour,
       avg(flow) FILTER (WHERE left(flow_flags, 1) = '0') AS flow,
       count(flow) FILTER (WHERE left(flow_flags, 1) = '0') AS flow_minutes,
       count(*) FILTER (WHERE strpos(upper(flow_flags), 'L') > 0) AS flow_leak,
       avg(pressure) FILTER (WHERE left(pressure_flags, 1) = '0') AS pressure,
       count(pressure) FILTER (WHERE left(pressure_flags, 1) = '0') AS pressure_minutes,
       count(*) FILTER (WHERE strpos(upper(pressure_flags), 'L') > 0) AS pressure_leak
FROM REAL_VAL_TB
WHERE sensor = ANY(%(sensors)s) AND time >= %(first)s AND time < %(until)s
GROUP BY 1, 2
