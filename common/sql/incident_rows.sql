-- The stored incidents of a site as JSON: all, or those with one of the ids.
SELECT to_jsonb(stored)::text FROM INCIDENT_TB AS stored
WHERE site = %(site)s AND (%(ids)s::text[] IS NULL OR id = ANY(%(ids)s))
