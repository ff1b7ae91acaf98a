-- For past hours the forecast made when the hour began, as sent with the row HH:00; for future hours the newest one.
SELECT extract(epoch FROM hour)::bigint, flow, flow_low, flow_high, pressure, pressure_low, pressure_high, model
FROM PRED_VAL_TB
WHERE site = %(site)s AND sensor = %(sensor)s AND hour >= %(from)s AND hour < %(to)s
  AND (made_at = hour OR (made_at = %(made_at)s AND hour > %(made_at)s))
ORDER BY hour
