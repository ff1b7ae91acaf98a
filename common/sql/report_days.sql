-- How many minutes of each local day have a value, from %(first)s to before %(until)s. A row counts as the minutes that
-- it covers.
SELECT sensor, (time AT TIME ZONE %(zone)s)::date, sum(minutes)
FROM REAL_VAL_TB
WHERE site = %(site)s AND sensor = ANY(%(sensors)s) AND time >= %(first)s AND time < %(until)s
  AND (flow IS NOT NULL OR pressure IS NOT NULL)
GROUP BY 1, 2
