-- Names the incident of the flagged values that have none, from %(first)s on: the one with the sign behind the letter.
UPDATE OUTLIER_TB AS flagged SET incident = found.id
FROM (
    SELECT DISTINCT ON (bare.sensor, bare.time, bare.channel, bare.method)
           bare.sensor, bare.time, bare.channel, bare.method, incident.id
    FROM INCIDENT_TB AS incident
    CROSS JOIN LATERAL jsonb_to_recordset(incident.signs)
        AS sign (method text, channel text, severity text, raised bigint, ended bigint)
    JOIN OUTLIER_TB AS bare
      ON bare.sensor = incident.sensor AND bare.incident IS NULL AND bare.time >= %(first)s
     AND bare.method = sign.method AND sign.channel IN (bare.channel, 'both') AND lower(bare.severity) = sign.severity
     AND bare.time >= to_timestamp(sign.raised * 60)
     AND (sign.ended IS NULL OR bare.time < to_timestamp(sign.ended * 60))
    WHERE incident.site = %(site)s AND incident.sensor = ANY(%(sensors)s)
      AND (incident.ended IS NULL OR incident.ended > %(first)s)
    ORDER BY bare.sensor, bare.time, bare.channel, bare.method, sign.raised DESC
) AS found
WHERE flagged.sensor = found.sensor AND flagged.time = found.time
  AND flagged.channel = found.channel AND flagged.method = found.method
