-- Store the rows that have arrived, without those that are here already; of two of one minute, the first. In one order
-- everywhere: two who store the same rows then wait for each other instead of both failing.
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
SELECT site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset
FROM arrived ORDER BY site, sensor, time, ctid
ON CONFLICT (site, sensor, time) DO NOTHING
