-- Keep the rows that have arrived of points that are not registered (arrays of equal length) apart from the others.
WITH apart AS (
    DELETE FROM arrived USING unnest(%(sites)s::text[], %(sensors)s::text[]) AS unknown (site, sensor)
    WHERE arrived.site = unknown.site AND arrived.sensor = unknown.sensor RETURNING arrived.*
)
INSERT INTO UNREGISTERED_VAL_TB
    (site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
SELECT site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset
FROM apart ORDER BY site, sensor, time, log_offset
ON CONFLICT (site, sensor, time) DO NOTHING
