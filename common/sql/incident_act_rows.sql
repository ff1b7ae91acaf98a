-- What people did at a site, as JSON: all, or about the incidents with one of the ids.
SELECT to_jsonb(stored)::text FROM INCIDENT_ACT_TB AS stored
WHERE site = %(site)s AND (%(ids)s::text[] IS NULL OR incident = ANY(%(ids)s))
