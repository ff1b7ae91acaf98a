-- One sensor's incidents that began from %(first)s to before %(end)s.
SELECT sensor, id, kind, severity, channel, began, raised, ended, size_m3h, size_error_m3h, size_at, largest_m3h,
       volume_m3, returned, stage, by, date_trunc('second', at) AS at, until, cause
FROM INCIDENT_TB
WHERE site = %(site)s AND sensor = %(sensor)s AND began >= %(first)s AND began < %(end)s
ORDER BY began, id
