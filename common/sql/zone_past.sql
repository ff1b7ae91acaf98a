-- A zone's rows from those of its meters in a span: the signed sum, where each meter has a flow that SYSTEM does not reject
-- and all their rows cover the same minutes. A minute that the zone has is not changed.
-- %(site)s; %(name)s: the zone; %(meters)s, %(signs)s: arrays; %(first)s to before %(until)s.
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, samples, minutes, log_id, log_offset)
SELECT %(site)s, %(name)s, taken.time, round(sum(part.sign * taken.flow)::numeric, 3), min(taken.samples), min(taken.minutes),
       'history', row_number() OVER (ORDER BY taken.time)
FROM unnest(%(meters)s::text[], %(signs)s::integer[]) AS part (sensor, sign)
JOIN REAL_VAL_TB AS taken ON taken.site = %(site)s AND taken.sensor = part.sensor
WHERE taken.time >= %(first)s AND taken.time < %(until)s AND taken.flow IS NOT NULL AND left(taken.flow_flags, 1) = '0'
GROUP BY taken.time
HAVING count(*) = cardinality(%(meters)s::text[]) AND min(taken.minutes) = max(taken.minutes)
ON CONFLICT (site, sensor, time) DO NOTHING
