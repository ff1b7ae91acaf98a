-- Flagged minutes of one sensor, channel and method, joined into spells.
WITH marked AS (
    SELECT *, CASE WHEN time - lag(time) OVER one <= %(gap)s THEN 0 ELSE 1 END AS begins
    FROM OUTLIER_TB WHERE site = %(site)s AND sensor = ANY(%(sensors)s) AND time >= %(from)s AND time < %(to)s
    WINDOW one AS (PARTITION BY sensor, channel, method, code ORDER BY time)),
numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY sensor, channel, method, code ORDER BY time) AS spell FROM marked)
SELECT sensor, channel, method, code, extract(epoch FROM min(time))::bigint, extract(epoch FROM max(time))::bigint,
       count(*), (array_agg(upper(severity) ORDER BY time DESC))[1]
FROM numbered GROUP BY sensor, channel, method, code, spell
ORDER BY max(time) DESC, sensor, channel LIMIT %(limit)s
