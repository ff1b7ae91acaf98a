-- Store a forecast, replacing an earlier one of the same time and hour.
INSERT INTO PRED_VAL_TB (site, sensor, made_at, hour, flow, pressure, flow_low, flow_high, pressure_low, pressure_high, model)
SELECT site, sensor, made_at, hour, flow, pressure, flow_low, flow_high, pressure_low, pressure_high, model FROM forecast_new
ON CONFLICT (site, sensor, made_at, hour) DO UPDATE SET
    flow = EXCLUDED.flow, pressure = EXCLUDED.pressure,
    flow_low = EXCLUDED.flow_low, flow_high = EXCLUDED.flow_high,
    pressure_low = EXCLUDED.pressure_low, pressure_high = EXCLUDED.pressure_high,
    model = EXCLUDED.model
