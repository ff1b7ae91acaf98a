-- The rows of a site in a span as in the log, with the forecast made at the start of their hour.
SELECT r.log_id, r.log_offset, r.sensor, r.time, r.flow, r.pressure, r.samples, r.flow_flags, r.pressure_flags,
       p.flow, p.pressure
FROM (SELECT sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset
      FROM REAL_VAL_TB WHERE site = %(site)s AND time >= %(from)s AND time < %(to)s
      UNION ALL
      SELECT sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset
      FROM UNREGISTERED_VAL_TB WHERE site = %(site)s AND time >= %(from)s AND time < %(to)s) AS r
LEFT JOIN PRED_VAL_TB p ON p.site = %(site)s AND p.sensor = r.sensor AND p.hour = r.time AND p.made_at = r.time
WHERE r.log_id <> 'history' -- loaded from files: these never stood in the log
  AND r.sensor <> ALL (%(not_sent)s::text[]) -- zones
ORDER BY r.log_id, r.log_offset
