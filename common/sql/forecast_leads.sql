-- Forecasts of a site of the hours from %(first)s to before %(until)s that were made at the hour itself (lead 1) or 23 hours
-- before (lead 24).
SELECT sensor, made_at, hour, flow, pressure, flow_low, flow_high, pressure_low, pressure_high, model
FROM PRED_VAL_TB
WHERE site = %(site)s AND hour >= %(first)s AND hour < %(until)s AND hour - made_at IN (interval '0', interval '23 hours')
ORDER BY sensor, hour
