-- Store rows of many sites (arrays of equal length), without those that are here already.
INSERT INTO RECEIVED_TB (site, log_id, log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags,
                         pred_flow, pred_pressure)
SELECT * FROM unnest(
    %(site)s::text[], %(log_id)s::text[], %(log_offset)s::bigint[], %(time)s::timestamptz[], %(sensor)s::text[],
    %(flow)s::float8[], %(pressure)s::float8[], %(samples)s::integer[], %(flow_flags)s::text[],
    %(pressure_flags)s::text[], %(pred_flow)s::float8[], %(pred_pressure)s::float8[])
ON CONFLICT (site, log_id, log_offset) DO NOTHING
