-- The reports of the last nights, newest first, of all sensors or of one.
SELECT *
FROM NIGHT_REPORT_TB
WHERE (%(sensor)s::text IS NULL OR sensor = %(sensor)s)
  AND night > (SELECT max(night) FROM NIGHT_REPORT_TB) - %(nights)s::integer
ORDER BY night DESC, sensor
