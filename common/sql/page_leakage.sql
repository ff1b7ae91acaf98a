-- The newest night of each sensor of a site since %(since)s: its minimum flow and leakage, or the range of an estimate.
SELECT DISTINCT ON (sensor) sensor, night, hour_flow, leak_flow, leak_flow_low, leak_flow_high,
       definition < 2 AND night_use_by = 'share' AS outdated
FROM NIGHT_REPORT_TB
WHERE site = %(site)s AND night >= %(since)s AND sensor IN (SELECT sensor FROM SENSOR_TB WHERE site = %(site)s)
ORDER BY sensor, night DESC
