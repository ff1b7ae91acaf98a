-- Keep the rows that have arrived and are not stored as they are: their minute has another row, with other values. Their
-- sites. A row that comes again, whatever its name is then, says nothing new. %(first)s, %(last)s: the span of the rows.
WITH others AS MATERIALIZED (
    SELECT new.* FROM arrived new
    WHERE NOT EXISTS (
        SELECT FROM REAL_VAL_TB old
        WHERE old.site = new.site AND old.sensor = new.sensor AND old.time = new.time
          AND old.time BETWEEN %(first)s AND %(last)s
          AND (old.flow, old.pressure, old.samples, old.flow_flags, old.pressure_flags)
              IS NOT DISTINCT FROM (new.flow, new.pressure, new.samples, new.flow_flags, new.pressure_flags))
      AND NOT EXISTS (
        SELECT FROM UNREGISTERED_VAL_TB old
        WHERE old.site = new.site AND old.sensor = new.sensor AND old.time = new.time
          AND (old.flow, old.pressure, old.samples, old.flow_flags, old.pressure_flags)
              IS NOT DISTINCT FROM (new.flow, new.pressure, new.samples, new.flow_flags, new.pressure_flags))
), kept AS (
    INSERT INTO SECOND_VAL_TB (site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
    SELECT site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset
    FROM others ORDER BY site, sensor, time, log_id, log_offset
    ON CONFLICT DO NOTHING
)
SELECT site, count(*) FROM others GROUP BY site
