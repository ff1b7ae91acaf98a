-- Each registered sensor of a site with its newest row up to %(until)s (a later one was made by a wrong clock), its newest forecast and the most severe of its recent flags. Every part
-- is one index lookup.
SELECT s.sensor, s.name, n.time, n.flow, n.pressure, p.made_at, o.severity, o.channel, o.reason, o.time,
       s.latitude, s.longitude
FROM SENSOR_TB s
LEFT JOIN LATERAL (SELECT time, flow, pressure FROM REAL_VAL_TB r
                   WHERE r.site = s.site AND r.sensor = s.sensor AND r.time <= %(until)s ORDER BY time DESC LIMIT 1) n ON true
LEFT JOIN LATERAL (SELECT made_at FROM PRED_VAL_TB v
                   WHERE v.site = s.site AND v.sensor = s.sensor ORDER BY made_at DESC LIMIT 1) p ON true
LEFT JOIN LATERAL (SELECT severity, channel, reason, time FROM OUTLIER_TB f
                   WHERE f.site = s.site AND f.sensor = s.sensor AND f.time > n.time - %(flagged_for)s
                     AND f.time <= %(until)s
                     AND (upper(severity) <> 'FAULT' OR %(brief_fault)s < (
                          SELECT count(*) FROM OUTLIER_TB g WHERE g.site = f.site AND g.sensor = f.sensor AND g.channel = f.channel
                             AND g.method = f.method AND g.time > n.time - %(flagged_for)s))
                   ORDER BY array_position(ARRAY['LEAK', 'FAULT', 'SUPPLY', 'WATCH', 'PLANNED'], upper(severity)),
                            time DESC
                   LIMIT 1) o ON true
WHERE s.site = %(site)s
ORDER BY s.sensor
