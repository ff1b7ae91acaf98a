-- Sums and counts of the accepted values of a day in ten-minute steps: one row per registered sensor of a site and step with a
-- row; step 0 is the first of the night's report, those before it are negative. A row counts as the minutes that it covers. Values with a SYSTEM flag are counted as faulty, those
-- during planned work as planned; both are excluded, and so are values of the old instrument if it was replaced in that
-- span.
-- %(begin)s: the day's first minute; %(first)s: that of step 0; %(end)s: the minute after the last; %(work_sensors)s, %(work_firsts)s, %(work_ends)s:
-- planned work, sensor or 'all', from the first minute to before the end.
SELECT sensor, step,
       coalesce(sum(flow) FILTER (WHERE flow_good), 0) AS flow_sum,
       count(flow) FILTER (WHERE flow_good) AS flow_count,
       coalesce(sum(pressure) FILTER (WHERE pressure_good), 0) AS pressure_sum,
       count(pressure) FILTER (WHERE pressure_good) AS pressure_count,
       count(flow) FILTER (WHERE NOT planned AND NOT flow_good) AS faulty,
       count(flow) FILTER (WHERE planned) AS planned
FROM (
    SELECT taken.sensor, flow, pressure, planned,
           floor(extract(epoch FROM minute - %(first)s::timestamptz) / 600)::integer AS step,
           left(flow_flags, 1) = '0' AND NOT planned AS flow_good,
           left(pressure_flags, 1) = '0' AND NOT planned AS pressure_good
    FROM REAL_VAL_TB AS taken
    JOIN SENSOR_TB AS known ON known.site = taken.site AND known.sensor = taken.sensor
    CROSS JOIN LATERAL generate_series(0, taken.minutes - 1) AS later
    CROSS JOIN LATERAL (SELECT taken.time + make_interval(mins => later) AS minute) AS covered
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM unnest(%(work_sensors)s::text[], %(work_firsts)s::timestamptz[], %(work_ends)s::timestamptz[])
                AS work (sensor, first, ending)
            WHERE work.sensor IN ('all', taken.sensor) AND minute >= work.first AND minute < work.ending
        ) AS planned
    ) AS work
    WHERE taken.site = %(site)s
      AND taken.time >= %(begin)s::timestamptz - interval '59 minutes' -- a row covers an hour at most
      AND minute >= %(begin)s AND minute < %(end)s AND taken.time < %(end)s
      AND (known.replaced_at IS NULL OR known.replaced_at >= %(end)s OR taken.time >= known.replaced_at)
) AS judged
GROUP BY 1, 2
ORDER BY 1, 2
