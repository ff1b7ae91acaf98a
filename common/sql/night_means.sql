-- The means of the given windows T (minutes T-9..T) for every registered sensor of a site, written if missing or if REAL_VAL_TB
-- has more minutes now. A row counts as the minutes that it covers. A sensor without rows in the day up to T has no window; one with rows in that day but none in
-- the window has an empty one. Windows whose rows were deleted later are not changed. Returns the written windows.
-- %(windows)s: array of T; %(now)s: time of the computation.
INSERT INTO NIGHT_FLOW_VAL_TB AS stored
    (site, sensor, time, flow, pressure, minutes, flow_minutes, pressure_minutes, complete, computed_at)
SELECT known.site, known.sensor, wanted.time, found.flow, found.pressure, found.minutes, found.flow_minutes,
       found.pressure_minutes, found.minutes = 10, %(now)s
FROM SENSOR_TB AS known
CROSS JOIN unnest(%(windows)s::timestamptz[]) AS wanted (time)
CROSS JOIN LATERAL (
    SELECT avg(flow) AS flow, avg(pressure) AS pressure,
           count(DISTINCT minute) AS minutes,
           count(DISTINCT minute) FILTER (WHERE flow IS NOT NULL) AS flow_minutes,
           count(DISTINCT minute) FILTER (WHERE pressure IS NOT NULL) AS pressure_minutes
    FROM (
        SELECT flow, pressure, date_trunc('minute', time) + make_interval(mins => later) AS minute
        FROM REAL_VAL_TB AS taken CROSS JOIN LATERAL generate_series(0, taken.minutes - 1) AS later
        WHERE taken.site = known.site AND taken.sensor = known.sensor
          AND taken.time < wanted.time + interval '1 minute'
          AND taken.time >= wanted.time - interval '68 minutes' -- a row covers an hour at most
          AND (taken.minutes > 1 OR taken.time >= wanted.time - interval '9 minutes')
    ) AS covered
    WHERE minute >= wanted.time - interval '9 minutes' AND minute <= wanted.time
) AS found
WHERE known.site = %(site)s AND (found.minutes > 0 OR EXISTS (
    SELECT FROM REAL_VAL_TB AS earlier
    WHERE earlier.site = known.site AND earlier.sensor = known.sensor
      AND earlier.time > wanted.time - interval '1 day' AND earlier.time <= wanted.time
))
ON CONFLICT (site, sensor, time) DO UPDATE
SET flow = excluded.flow, pressure = excluded.pressure, minutes = excluded.minutes,
    flow_minutes = excluded.flow_minutes, pressure_minutes = excluded.pressure_minutes,
    complete = excluded.complete, computed_at = excluded.computed_at
WHERE excluded.minutes >= stored.minutes
  AND (excluded.minutes, excluded.flow_minutes, excluded.pressure_minutes)
      IS DISTINCT FROM (stored.minutes, stored.flow_minutes, stored.pressure_minutes)
RETURNING sensor, time, minutes, complete, (xmax <> 0) AS again
