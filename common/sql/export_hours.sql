-- One sensor's hourly means from %(first)s to before %(end)s, of the values that SYSTEM accepts, with their number. An
-- hour is one of the clock in the session's zone: an hour that the clock shows twice is two rows, with their own offset.
SELECT sensor,
       to_char(date_trunc('hour', min(time) AT TIME ZONE current_setting('timezone')), 'YYYY-MM-DD"T"HH24:MI:SS')
           || to_char(min(time), 'TZH:TZM') AS time,
       round(avg(flow) FILTER (WHERE left(flow_flags, 1) = '0') * 1000) / 1000 AS flow,
       round(avg(pressure) FILTER (WHERE left(pressure_flags, 1) = '0') * 1000) / 1000 AS pressure,
       count(flow) FILTER (WHERE left(flow_flags, 1) = '0') AS flow_minutes,
       count(pressure) FILTER (WHERE left(pressure_flags, 1) = '0') AS pressure_minutes
FROM (
    SELECT sensor, time, flow, pressure, flow_flags, pressure_flags FROM REAL_VAL_TB
    WHERE site = %(site)s AND sensor = %(sensor)s AND time >= %(first)s AND time < %(end)s
    UNION ALL
    SELECT sensor, time, flow, pressure, flow_flags, pressure_flags FROM UNREGISTERED_VAL_TB AS apart
    WHERE site = %(site)s AND sensor = %(sensor)s AND time >= %(first)s AND time < %(end)s AND NOT EXISTS (
        SELECT FROM REAL_VAL_TB AS archived
        WHERE archived.site = apart.site AND archived.sensor = apart.sensor AND archived.time = apart.time
            AND archived.time >= %(first)s AND archived.time < %(end)s)
) AS taken
GROUP BY sensor, date_trunc('hour', time AT TIME ZONE current_setting('timezone')), extract(timezone FROM time)
ORDER BY min(taken.time)
