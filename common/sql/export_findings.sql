-- One sensor's flagged values from %(first)s to before %(end)s.
SELECT * FROM OUTLIER_TB
WHERE site = %(site)s AND sensor = %(sensor)s AND time >= %(first)s AND time < %(end)s
ORDER BY time, channel, method
