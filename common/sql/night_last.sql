-- The reports of the last nights, newest first, of all sensors of a site or of one.
SELECT *
FROM NIGHT_REPORT_TB
WHERE site = %(site)s AND (%(sensor)s::text IS NULL OR sensor = %(sensor)s)
  AND night > (SELECT max(night) FROM NIGHT_REPORT_TB WHERE site = %(site)s) - %(nights)s::integer
ORDER BY night DESC, sensor
