-- The newest night of each sensor of a site since %(since)s. What rests on a guessed night use is no measured leakage.
SELECT DISTINCT ON (sensor) sensor, hour_flow, CASE WHEN night_use_by <> 'share' THEN leak_flow END
FROM NIGHT_REPORT_TB
WHERE site = %(site)s AND night >= %(since)s AND sensor IN (SELECT sensor FROM SENSOR_TB WHERE site = %(site)s)
ORDER BY sensor, night DESC
