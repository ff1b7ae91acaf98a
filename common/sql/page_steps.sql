-- One sensor's flow and pressure in each step of time: lowest, mean, highest, the number of minutes with a value, and the
-- number of rows. Each step is one range of the index. %(first)s, %(after)s: arrays of the steps' bounds.
SELECT found.*
FROM unnest(%(first)s::timestamptz[], %(after)s::timestamptz[]) WITH ORDINALITY AS step (first, after, place)
CROSS JOIN LATERAL (
    SELECT min(flow), avg(flow), max(flow), coalesce(sum(minutes) FILTER (WHERE flow IS NOT NULL), 0)::int,
           min(pressure), avg(pressure), max(pressure),
           coalesce(sum(minutes) FILTER (WHERE pressure IS NOT NULL), 0)::int, count(*)::int
    FROM REAL_VAL_TB WHERE site = %(site)s AND sensor = %(sensor)s AND time >= step.first AND time < step.after) AS found
ORDER BY place
