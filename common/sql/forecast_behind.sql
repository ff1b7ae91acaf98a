-- How many sites are forecast for in a center, and for how many the work was due before %(due)s. %(work)s.
SELECT count(*), count(*) FILTER (WHERE next_at < %(due)s) FROM SITE_WORK_TB WHERE work = %(work)s
