-- What people did, each entry once. %(rows)s is a JSON array of rows.
INSERT INTO AUDIT_TB
SELECT * FROM jsonb_populate_recordset(NULL::AUDIT_TB, %(rows)s::jsonb)
ON CONFLICT (site, id) DO NOTHING
