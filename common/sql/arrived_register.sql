-- Register points (arrays of equal length, sorted); nothing for those that somebody else has registered meanwhile.
INSERT INTO SENSOR_TB (site, sensor) SELECT * FROM unnest(%(sites)s::text[], %(sensors)s::text[])
ON CONFLICT (site, sensor) DO NOTHING
