-- What people did, each act once. %(rows)s is a JSON array of rows.
INSERT INTO INCIDENT_ACT_TB
SELECT * FROM jsonb_populate_recordset(NULL::INCIDENT_ACT_TB, %(rows)s::jsonb)
ON CONFLICT (site, id) DO NOTHING
