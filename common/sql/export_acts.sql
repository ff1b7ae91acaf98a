-- What people did about one sensor's incidents from %(first)s to before %(end)s.
SELECT sensor, date_trunc('second', done.at) AS at, done.incident, done.by, done.act, done.until, done.cause, done.text
FROM INCIDENT_ACT_TB AS done JOIN INCIDENT_TB AS incident ON incident.site = done.site AND incident.id = done.incident
WHERE incident.site = %(site)s AND sensor = %(sensor)s AND done.at >= %(first)s AND done.at < %(end)s
ORDER BY done.at, done.id
