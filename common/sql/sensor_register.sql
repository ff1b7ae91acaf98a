-- Register a sensor; nothing if it is there.
INSERT INTO SENSOR_TB (sensor) VALUES (%s) ON CONFLICT (sensor) DO NOTHING
