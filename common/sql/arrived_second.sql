-- Keep the rows that have arrived for a minute which another row has, with other values; their sites. A row that comes
-- again, whatever its name is then, says nothing new. %(first)s, %(last)s: the span of the rows.
WITH others AS MATERIALIZED (
    SELECT new.* FROM arrived new JOIN REAL_VAL_TB old USING (site, sensor, time)
    WHERE old.time BETWEEN %(first)s AND %(last)s
      AND (old.flow, old.pressure, old.samples, old.flow_flags, old.pressure_flags)
          IS DISTINCT FROM (new.flow, new.pressure, new.samples, new.flow_flags, new.pressure_flags)
), kept AS (
    INSERT INTO SECOND_VAL_TB (site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
    SELECT site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset
    FROM others ORDER BY site, sensor, time, log_id, log_offset
    ON CONFLICT DO NOTHING
)
SELECT site, count(*) FROM others GROUP BY site
