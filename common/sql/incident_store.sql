-- Incidents as they are now: new ones, and those that have changed. %(rows)s is a JSON array of rows.
INSERT INTO INCIDENT_TB
SELECT * FROM jsonb_populate_recordset(NULL::INCIDENT_TB, %(rows)s::jsonb)
ON CONFLICT (site, id) DO UPDATE SET
    kind = EXCLUDED.kind, severity = EXCLUDED.severity, channel = EXCLUDED.channel,
    began = EXCLUDED.began, raised = EXCLUDED.raised, ended = EXCLUDED.ended,
    size_m3h = EXCLUDED.size_m3h, size_error_m3h = EXCLUDED.size_error_m3h, size_at = EXCLUDED.size_at,
    largest_m3h = EXCLUDED.largest_m3h, volume_m3 = EXCLUDED.volume_m3, returned = EXCLUDED.returned,
    signs = EXCLUDED.signs, before = EXCLUDED.before,
    stage = EXCLUDED.stage, by = EXCLUDED.by, at = EXCLUDED.at, until = EXCLUDED.until, cause = EXCLUDED.cause,
    joined = EXCLUDED.joined
WHERE INCIDENT_TB IS DISTINCT FROM EXCLUDED
