-- Hourly means in local time, per sensor, of the minutes that SYSTEM accepts, with the number of minutes, and the
-- number under a leak (lower case: during planned work). A row counts as the minutes that it covers. Last, the minutes
-- without water: the flow is outside the limits or stuck at zero, and the pressure does not say otherwise
-- (`outliers/outage.py`).
-- Rows from %(first)s to before %(until)s.
SELECT sensor,
       extract(epoch FROM date_trunc('hour', time AT TIME ZONE %(zone)s))::bigint / 3600 AS hour,
       sum(flow * minutes) FILTER (WHERE left(flow_flags, 1) = '0')
           / sum(minutes) FILTER (WHERE left(flow_flags, 1) = '0' AND flow IS NOT NULL) AS flow,
       coalesce(sum(minutes) FILTER (WHERE left(flow_flags, 1) = '0' AND flow IS NOT NULL), 0) AS flow_minutes,
       coalesce(sum(minutes) FILTER (WHERE strpos(upper(flow_flags), 'L') > 0), 0) AS flow_leak,
       sum(pressure * minutes) FILTER (WHERE left(pressure_flags, 1) = '0')
           / sum(minutes) FILTER (WHERE left(pressure_flags, 1) = '0' AND pressure IS NOT NULL) AS pressure,
       coalesce(sum(minutes) FILTER (WHERE left(pressure_flags, 1) = '0' AND pressure IS NOT NULL), 0)
           AS pressure_minutes,
       coalesce(sum(minutes) FILTER (WHERE strpos(upper(pressure_flags), 'L') > 0), 0) AS pressure_leak,
       coalesce(sum(minutes) FILTER (WHERE (left(flow_flags, 1) = 'R' OR left(flow_flags, 1) = 'S' AND flow < 0.1)
           AND (left(pressure_flags, 1) <> '0' OR strpos(upper(substr(pressure_flags, 2)), 'P') > 0)), 0) AS dry
FROM REAL_VAL_TB
WHERE site = %(site)s AND sensor = ANY(%(sensors)s) AND time >= %(first)s AND time < %(until)s
GROUP BY 1, 2
