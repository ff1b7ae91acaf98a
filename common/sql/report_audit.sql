-- What people did at a site from %(first)s to before %(until)s.
SELECT id, at, by, address, what, values FROM AUDIT_TB
WHERE site = %(site)s AND at >= %(first)s AND at < %(until)s
ORDER BY at, id
