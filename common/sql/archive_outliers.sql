-- One row per flagged value of a site; the first stored one stays.
INSERT INTO OUTLIER_TB (site, sensor, time, channel, method, code, severity, value, reason)
SELECT %(site)s, sensor, time, channel, method, code, severity, value, reason
FROM unnest(%(sensor)s::text[], %(time)s::timestamptz[], %(channel)s::text[], %(method)s::text[], %(code)s::text[],
            %(severity)s::text[], %(value)s::float8[], %(reason)s::text[])
     AS found (sensor, time, channel, method, code, severity, value, reason)
ON CONFLICT (site, sensor, time, channel, method) DO NOTHING
