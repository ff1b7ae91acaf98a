-- Keep the hours of a sensor.
INSERT INTO FORECAST_HOURS_TB (site, sensor, timezone, first, flow, pressure, through, read_at)
VALUES (%(site)s, %(sensor)s, %(zone)s, %(first)s, %(flow)s, %(pressure)s, %(through)s, %(read_at)s)
ON CONFLICT (site, sensor) DO UPDATE SET
    timezone = EXCLUDED.timezone, first = EXCLUDED.first, flow = EXCLUDED.flow, pressure = EXCLUDED.pressure,
    through = EXCLUDED.through, read_at = EXCLUDED.read_at
