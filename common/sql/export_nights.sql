-- One sensor's night reports whose date begins from %(first)s to before %(end)s.
SELECT * FROM NIGHT_REPORT_TB
WHERE site = %(site)s AND sensor = %(sensor)s AND night::timestamptz >= %(first)s AND night::timestamptz < %(end)s
ORDER BY night
