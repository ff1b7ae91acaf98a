-- The sites that deliver here: when each was heard, and through which minute it is complete (NULL = not known).
SELECT site, heard_at, closed_through FROM SITE_TB ORDER BY site LIMIT 100000
