-- Store a site's forecast, replacing an earlier one of the same time and hour. A list a column, for no temporary table:
-- a center would make one for each site and hour.
INSERT INTO PRED_VAL_TB (site, sensor, made_at, hour, flow, pressure, flow_low, flow_high, pressure_low, pressure_high, model)
SELECT %(site)s, new.*
FROM unnest(%(sensor)s::text[], %(made_at)s::timestamptz[], %(hour)s::timestamptz[],
            %(flow)s::float8[], %(pressure)s::float8[], %(flow_low)s::float8[], %(flow_high)s::float8[],
            %(pressure_low)s::float8[], %(pressure_high)s::float8[], %(model)s::text[]) AS new
ON CONFLICT (site, sensor, made_at, hour) DO UPDATE SET
    flow = EXCLUDED.flow, pressure = EXCLUDED.pressure,
    flow_low = EXCLUDED.flow_low, flow_high = EXCLUDED.flow_high,
    pressure_low = EXCLUDED.pressure_low, pressure_high = EXCLUDED.pressure_high,
    model = EXCLUDED.model
