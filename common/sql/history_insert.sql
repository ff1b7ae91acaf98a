-- From the temporary table of one piece of a file into the archive.
-- NaN and infinite numbers become NULL. `samples`: a recorded minute counts as one reading.
INSERT INTO REAL_VAL_TB (sensor, time, flow, pressure, samples, log_id, log_offset)
SELECT %(sensor)s,
       time,
       CASE WHEN flow BETWEEN -1e12 AND 1e12 THEN flow END,
       CASE WHEN pressure BETWEEN -1e12 AND 1e12 THEN pressure END,
       (flow IS NOT NULL OR pressure IS NOT NULL)::int,
       'history',
       %(first_line)s + row_number() OVER ()
FROM history_piece
