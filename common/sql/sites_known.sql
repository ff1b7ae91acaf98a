-- The sites that deliver here: when each was heard, and through which minute it is complete (NULL = not known).
-- %(site)s: only this one; NULL = all.
SELECT site, heard_at, closed_through FROM SITE_TB
WHERE %(site)s::text IS NULL OR site = %(site)s ORDER BY site LIMIT 100000
