-- The forecast of each hour made when that hour began, from %(first)s on.
SELECT sensor, made_at, hour, flow, pressure, flow_low, flow_high, pressure_low, pressure_high, model
FROM PRED_VAL_TB
WHERE hour >= %(first)s AND made_at = hour
ORDER BY made_at, sensor
