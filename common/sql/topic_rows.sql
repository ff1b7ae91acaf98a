-- Store the rows that have arrived, without those that are here already; of two with one name, the first. In one order
-- everywhere: two who store the same rows then wait for each other instead of both failing.
INSERT INTO RECEIVED_TB (site, log_id, log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags,
                         pred_flow, pred_pressure)
SELECT * FROM topic_arrived ORDER BY site, log_id, log_offset, ctid
ON CONFLICT (site, log_id, log_offset) DO NOTHING
