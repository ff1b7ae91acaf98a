-- Every forecast of one sensor for the hours from %(first)s to before %(end)s.
SELECT * FROM PRED_VAL_TB
WHERE site = %(site)s AND sensor = %(sensor)s AND hour >= %(first)s AND hour < %(end)s
ORDER BY hour, made_at
