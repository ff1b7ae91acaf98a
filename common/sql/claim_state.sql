-- Of a kind of work: its sites; how many are due, have been due for %(overdue)s, failed the last time, and wait for a minute
-- that was over %(late)s ago. %(work)s, %(now)s.
SELECT count(*), count(*) FILTER (WHERE next_at <= %(now)s), count(*) FILTER (WHERE next_at <= %(now)s - %(overdue)s),
       count(*) FILTER (WHERE failed > 0), count(*) FILTER (WHERE wants_through < %(now)s - %(late)s)
FROM SITE_WORK_TB WHERE work = %(work)s
