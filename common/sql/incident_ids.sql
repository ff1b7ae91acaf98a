-- The stored incidents of a site that were up between two times: those that still are, then the newest. At most %(most)s.
SELECT id FROM INCIDENT_TB
WHERE site = %(site)s
  AND (%(sensor)s = '' OR sensor = %(sensor)s)
  AND (%(kind)s = '' OR kind = %(kind)s)
  AND began < %(to)s AND coalesce(ended, 'infinity') >= %(from)s
ORDER BY ended IS NOT NULL, raised DESC, id
LIMIT %(most)s
