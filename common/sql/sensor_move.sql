-- Move the stored rows of a sensor to REAL_VAL_TB, whose partitions exist. An existing minute is not changed.
WITH moved AS (DELETE FROM UNREGISTERED_VAL_TB WHERE sensor = %s RETURNING *)
INSERT INTO REAL_VAL_TB
    (sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
SELECT sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset FROM moved
ON CONFLICT (sensor, time) DO NOTHING
