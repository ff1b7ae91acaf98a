-- The work for these sites failed: others come first. One that somebody else has done meanwhile is left so. %(work)s,
-- %(sites)s, %(now)s; %(first)s, %(longest)s: how long they wait the first time, and at most.
UPDATE SITE_WORK_TB
SET failed = failed + 1, next_at = %(now)s + least(%(first)s * pow(2, least(failed, 20)), %(longest)s) * interval '1 second'
WHERE work = %(work)s AND site = ANY (%(sites)s) AND next_at <= %(now)s
RETURNING site
