-- Rows of a file, one a minute and in order, into the archive: those in a part of the temporary table.
-- %(from)s, %(to)s: its pages. NaN becomes NULL. `samples`: a recorded minute counts as one reading.
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset)
SELECT %(site)s,
       %(sensor)s,
       date_trunc('minute', time),
       nullif(flow, 'NaN'),
       nullif(pressure, 'NaN'),
       (flow <> 'NaN' OR pressure <> 'NaN')::int,
       'history',
       row
FROM history_rows
WHERE ctid >= format('(%%s,0)', %(from)s::bigint)::tid AND ctid < format('(%%s,0)', %(to)s::bigint)::tid
