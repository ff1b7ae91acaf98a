-- What passed each meter of a zone on each local day, m3, in the minutes in which the zone has a sum; and how many these
-- were. Without the time before the zone's formula changed.
-- %(site)s; %(name)s: the zone; %(meters)s: array; %(first)s to before %(until)s; %(zone)s: the time zone.
WITH sums AS MATERIALIZED (
    SELECT whole.time
    FROM SENSOR_TB AS known
    JOIN REAL_VAL_TB AS whole ON whole.site = known.site AND whole.sensor = known.sensor
    WHERE known.site = %(site)s AND known.sensor = %(name)s
      AND whole.site = %(site)s AND whole.sensor = %(name)s AND whole.time >= %(first)s AND whole.time < %(until)s
      AND whole.flow IS NOT NULL AND (known.replaced_at IS NULL OR whole.time >= known.replaced_at)
)
SELECT (part.time AT TIME ZONE %(zone)s)::date, part.sensor, sum(part.flow) / 60, count(*)
FROM REAL_VAL_TB AS part
WHERE part.site = %(site)s AND part.sensor = ANY(%(meters)s) AND part.time >= %(first)s AND part.time < %(until)s
  AND part.flow IS NOT NULL AND part.time IN (SELECT time FROM sums)
GROUP BY 1, 2
ORDER BY 1, 2
