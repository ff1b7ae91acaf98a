-- Sums and counts of the believed values of one night's report, in steps of ten minutes: one row a registered
-- sensor and step that has a row. Values with a SYSTEM flag are counted as faulty and left out.
-- %(first)s: the first minute; %(end)s: the minute after the last.
SELECT taken.sensor,
       floor(extract(epoch FROM taken.time - %(first)s::timestamptz) / 600)::integer AS step,
       coalesce(sum(flow) FILTER (WHERE left(flow_flags, 1) = '0'), 0) AS flow_sum,
       count(flow) FILTER (WHERE left(flow_flags, 1) = '0') AS flow_count,
       coalesce(sum(pressure) FILTER (WHERE left(pressure_flags, 1) = '0'), 0) AS pressure_sum,
       count(pressure) FILTER (WHERE left(pressure_flags, 1) = '0') AS pressure_count,
       count(flow) FILTER (WHERE left(flow_flags, 1) <> '0') AS faulty
FROM REAL_VAL_TB AS taken
JOIN SENSOR_TB AS known ON known.sensor = taken.sensor
WHERE taken.time >= %(first)s AND taken.time < %(end)s
GROUP BY 1, 2
ORDER BY 1, 2
