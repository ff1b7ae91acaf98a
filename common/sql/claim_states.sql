-- How the sites of each kind of work stand, as claim_state.sql says it of one. %(now)s, %(overdue)s, %(late)s.
SELECT work, count(*), count(*) FILTER (WHERE next_at <= %(now)s - %(overdue)s), count(*) FILTER (WHERE failed > 0),
       count(*) FILTER (WHERE wants_through < %(now)s - %(late)s)
FROM SITE_WORK_TB GROUP BY work ORDER BY work
