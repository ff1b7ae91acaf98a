-- Rows of a site's log into one of the two tables; an existing minute is not changed.
INSERT INTO {table} (site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
SELECT %(site)s, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, %(log_id)s, log_offset
FROM unnest(%(sensor)s::text[], %(time)s::timestamptz[], %(flow)s::float8[], %(pressure)s::float8[], %(samples)s::int4[],
            %(flow_flags)s::text[], %(pressure_flags)s::text[], %(log_offset)s::int8[])
     AS arrived (sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_offset)
ON CONFLICT (site, sensor, time) DO NOTHING
