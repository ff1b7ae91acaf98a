-- One sensor's minutes from %(first)s to before %(end)s. Minutes that came while it was not registered are in a table of
-- their own; of a minute in both tables, the archive's row counts.
SELECT sensor, time, flow, pressure FROM (
    SELECT sensor, time, flow, pressure FROM REAL_VAL_TB
    WHERE site = %(site)s AND sensor = %(sensor)s AND time >= %(first)s AND time < %(end)s
    UNION ALL
    SELECT sensor, time, flow, pressure FROM UNREGISTERED_VAL_TB AS apart
    WHERE site = %(site)s AND sensor = %(sensor)s AND time >= %(first)s AND time < %(end)s AND NOT EXISTS (
        SELECT FROM REAL_VAL_TB AS archived
        WHERE archived.site = apart.site AND archived.sensor = apart.sensor AND archived.time = apart.time
            AND archived.time >= %(first)s AND archived.time < %(end)s)
) AS taken
ORDER BY time
