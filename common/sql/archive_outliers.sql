-- One row per flagged value; the first stored one stays.
INSERT INTO OUTLIER_TB (sensor, time, channel, method, code, severity, value, reason)
SELECT sensor, time, channel, method, code, severity, value, reason
FROM unnest(%(sensor)s::text[], %(time)s::timestamptz[], %(channel)s::text[], %(method)s::text[], %(code)s::text[],
            %(severity)s::text[], %(value)s::float8[], %(reason)s::text[])
     AS found (sensor, time, channel, method, code, severity, value, reason)
ON CONFLICT (sensor, time, channel, method) DO NOTHING
