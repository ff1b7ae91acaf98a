-- The mean flow of each of some sensors of a site in each hour, from %(first)s to before %(after)s (arrays of the hours' bounds).
SELECT known.sensor, array_agg(found.flow ORDER BY hour.place)
FROM unnest(%(sensors)s::text[]) AS known (sensor)
CROSS JOIN unnest(%(first)s::timestamptz[], %(after)s::timestamptz[]) WITH ORDINALITY AS hour (first, after, place)
CROSS JOIN LATERAL (SELECT avg(flow) AS flow FROM REAL_VAL_TB AS taken
                    WHERE taken.site = %(site)s AND taken.sensor = known.sensor AND time >= hour.first AND time < hour.after) AS found
GROUP BY known.sensor
