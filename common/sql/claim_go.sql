-- Sites that have been taken away. One that somebody holds goes the next time. %(work)s.
DELETE FROM SITE_WORK_TB WHERE work = %(work)s AND site IN (
    SELECT site FROM SITE_WORK_TB AS held
    WHERE work = %(work)s AND NOT EXISTS (SELECT FROM SITE_TB AS known WHERE known.site = held.site)
    FOR UPDATE SKIP LOCKED)
