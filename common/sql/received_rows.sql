-- Store a batch's rows (arrays of equal length), without those that are here already.
INSERT INTO RECEIVED_TB (site, log_id, log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags,
                         pred_flow, pred_pressure)
SELECT %(site)s, %(log_id)s, new.*
FROM unnest(%(offsets)s::bigint[], %(times)s::timestamptz[], %(sensors)s::text[], %(flows)s::float8[],
            %(pressures)s::float8[], %(samples)s::integer[], %(flow_flags)s::text[], %(pressure_flags)s::text[],
            %(pred_flows)s::float8[], %(pred_pressures)s::float8[])
     AS new(log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags, pred_flow, pred_pressure)
ON CONFLICT (site, log_id, log_offset) DO NOTHING
