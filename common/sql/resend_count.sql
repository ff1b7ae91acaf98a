-- How many rows of a span would be sent again (resend_rows.sql), of how many sensors, and the first and the last minute.
SELECT count(*), count(DISTINCT sensor), min(time), max(time)
FROM (SELECT sensor, time FROM REAL_VAL_TB
      WHERE site = %(site)s AND time >= %(from)s AND time < %(to)s AND log_id <> 'history'
      UNION ALL
      SELECT sensor, time FROM UNREGISTERED_VAL_TB
      WHERE site = %(site)s AND time >= %(from)s AND time < %(to)s AND log_id <> 'history') AS r
WHERE sensor <> ALL (%(not_sent)s::text[]) -- zones
