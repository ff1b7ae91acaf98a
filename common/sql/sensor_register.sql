-- Register a sensor, or change the given values. Parameters: sensor, name or '', flow_max, pressure_max, name or
-- NULL. Returns whether it is new.
INSERT INTO SENSOR_TB AS known (sensor, name, flow_max, pressure_max) VALUES (%s, %s, %s, %s)
ON CONFLICT (sensor) DO UPDATE
SET name = coalesce(%s, known.name),
    flow_max = coalesce(excluded.flow_max, known.flow_max),
    pressure_max = coalesce(excluded.pressure_max, known.pressure_max)
RETURNING xmax = 0
