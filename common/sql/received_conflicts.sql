-- How many of a batch's rows differ from the stored row of the same offset, and the first such offset. The log's columns
-- of a row never change. The forecast is added by the sender and not compared: rows sent again from the sender's
-- database have none.
SELECT count(*), min(new.log_offset)
FROM unnest(%(offsets)s::bigint[], %(times)s::timestamptz[], %(sensors)s::text[], %(flows)s::float8[],
            %(pressures)s::float8[], %(samples)s::integer[], %(flow_flags)s::text[], %(pressure_flags)s::text[],
            %(pred_flows)s::float8[], %(pred_pressures)s::float8[])
     AS new(log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags, pred_flow, pred_pressure)
JOIN RECEIVED_TB old ON old.site = %(site)s AND old.log_id = %(log_id)s AND old.log_offset = new.log_offset
WHERE (old.time, old.sensor, old.flow, old.pressure, old.samples, old.flow_flags, old.pressure_flags)
   IS DISTINCT FROM (new.time, new.sensor, new.flow, new.pressure, new.samples, new.flow_flags, new.pressure_flags)
