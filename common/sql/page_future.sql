-- The newest row after %(until)s, of a registered sensor of the site or of one that delivers here: a wrong clock made it. And
-- whose it is: NULL = the site's own. An index lookup a sensor, in the months from then on.
SELECT n.time, nullif(s.site, %(site)s) FROM SENSOR_TB s CROSS JOIN LATERAL (
    SELECT time FROM REAL_VAL_TB r WHERE r.site = s.site AND r.sensor = s.sensor AND r.time > %(until)s
    ORDER BY time DESC LIMIT 1) n
WHERE s.site = %(site)s OR s.site IN (SELECT site FROM SITE_TB)
ORDER BY n.time DESC, s.site LIMIT 1
