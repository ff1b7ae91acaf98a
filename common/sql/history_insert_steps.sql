-- Rows of a file into the archive: several in a minute become their mean, a row covers the minutes of its step up to
-- the next row, and a counter becomes the flow of its step.
-- %(step)s: the file's step in minutes; %(counter)s: flow holds the readings of a counter (m3); %(most)s: the highest
-- flow (m3/h) that a counter may mean; a higher one, a falling counter and a gap give no flow.
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset, minutes)
SELECT %(site)s,
       %(sensor)s,
       minute,
       CASE WHEN NOT %(counter)s THEN flow
            WHEN next_start - start <= make_interval(mins => %(step)s + 1) AND next_flow >= flow
                AND (next_flow - flow) * 3600 <= %(most)s * extract(epoch FROM next_start - start)
            THEN (next_flow - flow) * 3600 / extract(epoch FROM next_start - start) END,
       pressure,
       samples,
       'history',
       row,
       least(%(step)s, extract(epoch FROM next_minute - minute) / 60)
FROM (
    SELECT *, lead(minute) OVER later AS next_minute, lead(start) OVER later AS next_start,
           lead(flow) OVER later AS next_flow
    FROM (
        SELECT date_trunc('minute', time) AS minute, min(time) AS start,
               CASE WHEN %(counter)s THEN (array_agg(flow ORDER BY time))[1] ELSE avg(flow) END AS flow,
               avg(pressure) AS pressure,
               count(*) FILTER (WHERE flow IS NOT NULL OR pressure IS NOT NULL) AS samples,
               min(row) AS row
        FROM (SELECT DISTINCT ON (time) row, time, nullif(flow, 'NaN') AS flow, nullif(pressure, 'NaN') AS pressure
              FROM history_rows ORDER BY time, row) AS once
        GROUP BY 1
    ) AS minutes
    WINDOW later AS (ORDER BY minute)
) AS steps
ON CONFLICT (site, sensor, time) DO NOTHING
