-- The forecast of each hour at a site, made when that hour began, from %(first)s on.
SELECT sensor, made_at, hour, flow, pressure, flow_low, flow_high, pressure_low, pressure_high, model
FROM PRED_VAL_TB
WHERE site = %(site)s AND hour >= %(first)s AND made_at = hour
ORDER BY made_at, sensor
