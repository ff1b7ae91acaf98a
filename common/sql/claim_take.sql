-- Sites that are due and that nobody else holds, the longest due first; held to the transaction's end. %(work)s, %(now)s;
-- %(most)s: how many.
SELECT site, timezone, heard_at, closed_through, done_through, done_at, failed, state
FROM SITE_WORK_TB AS held JOIN SITE_TB AS known USING (site)
WHERE work = %(work)s AND next_at <= %(now)s
ORDER BY next_at, done_at NULLS FIRST, site LIMIT %(most)s
FOR UPDATE OF held SKIP LOCKED
