-- Move the stored rows of a sensor to REAL_VAL_TB, whose partitions exist. An existing minute is not changed.
WITH moved AS (DELETE FROM UNREGISTERED_VAL_TB WHERE site = %(site)s AND sensor = %(sensor)s RETURNING *)
INSERT INTO REAL_VAL_TB
    (site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
SELECT site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset FROM moved
ON CONFLICT (site, sensor, time) DO NOTHING
