-- The newest row after %(until)s, of a registered sensor of the site or received: a wrong clock made it. All are index lookups.
SELECT greatest(
    (SELECT max(n.time) FROM SENSOR_TB s CROSS JOIN LATERAL (
        SELECT time FROM REAL_VAL_TB r WHERE r.site = s.site AND r.sensor = s.sensor AND r.time > %(until)s
        ORDER BY time DESC LIMIT 1) n WHERE s.site = %(site)s),
    (SELECT max(time) FROM RECEIVED_TB WHERE time > %(until)s)
)
