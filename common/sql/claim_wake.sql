-- Sites that have become complete through the minute that the work waits for are due now; and those that would not be due for
-- longer than the work ever waits: whoever noted that had a wrong clock. %(work)s, %(now)s; %(longest)s: how long that is.
UPDATE SITE_WORK_TB SET next_at = %(now)s, wants_through = NULL WHERE work = %(work)s AND site IN (
    SELECT site FROM SITE_WORK_TB AS held JOIN SITE_TB AS known USING (site)
    WHERE work = %(work)s AND next_at > %(now)s
      AND (failed = 0 AND closed_through >= wants_through OR next_at > greatest(%(now)s, now()) + %(longest)s)
    FOR UPDATE OF held SKIP LOCKED)
