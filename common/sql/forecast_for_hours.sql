-- Every forecast of a site that was made for the hours from %(first)s to before %(until)s.
SELECT sensor, made_at, hour, flow, pressure, flow_low, flow_high, pressure_low, pressure_high, model
FROM PRED_VAL_TB
WHERE site = %(site)s AND hour >= %(first)s AND hour < %(until)s
