-- Register a sensor; nothing if it is there.
INSERT INTO SENSOR_TB (site, sensor) VALUES (%(site)s, %(sensor)s) ON CONFLICT (site, sensor) DO NOTHING
