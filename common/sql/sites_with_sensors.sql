-- The first sites that have a sensor, and their zones (NULL = that of the settings), found one by one along the key.
-- %(site)s: only this one; NULL = all. %(most)s: how many.
WITH RECURSIVE known AS (
    (SELECT site FROM SENSOR_TB WHERE %(site)s::text IS NULL OR site = %(site)s ORDER BY site LIMIT 1)
    UNION ALL
    SELECT (SELECT site FROM SENSOR_TB AS later WHERE later.site > known.site AND %(site)s::text IS NULL ORDER BY site LIMIT 1)
    FROM known WHERE known.site IS NOT NULL)
SELECT known.site, told.timezone FROM known LEFT JOIN SITE_TB AS told USING (site)
WHERE known.site IS NOT NULL ORDER BY known.site LIMIT %(most)s
