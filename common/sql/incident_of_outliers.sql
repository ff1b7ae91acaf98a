-- Names the incident of at most %(most)s flagged values that have none, from %(first)s on: the one with the sign behind
-- the letter, and of several the one that was raised last.
UPDATE OUTLIER_TB AS flagged SET incident = found.id
FROM (
    SELECT DISTINCT ON (sensor, time, channel, method) site, sensor, time, channel, method, id
    FROM (
        SELECT bare.site, bare.sensor, bare.time, bare.channel, bare.method, incident.id, sign.raised
        FROM INCIDENT_TB AS incident
        CROSS JOIN LATERAL jsonb_to_recordset(incident.signs)
            AS sign (method text, channel text, severity text, raised bigint, ended bigint)
        JOIN OUTLIER_TB AS bare
          ON bare.site = incident.site AND bare.sensor = incident.sensor AND bare.incident IS NULL AND bare.time >= %(first)s
         AND bare.method = sign.method AND sign.channel IN (bare.channel, 'both')
         AND lower(bare.severity) = sign.severity
         AND bare.time >= to_timestamp(sign.raised * 60)
         AND bare.time < coalesce(to_timestamp(sign.ended * 60), 'infinity')
        WHERE incident.site = %(site)s AND incident.sensor = ANY(%(sensors)s)
          AND (incident.ended IS NULL OR incident.ended > %(first)s - interval '16 days') -- an end is noticed later
        LIMIT %(most)s
    ) AS fitting
    ORDER BY sensor, time, channel, method, raised DESC
) AS found
WHERE flagged.site = found.site AND flagged.sensor = found.sensor AND flagged.time = found.time
  AND flagged.channel = found.channel AND flagged.method = found.method
