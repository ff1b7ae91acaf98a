-- Sites that have come: from now on they are worked for. %(work)s, %(now)s.
INSERT INTO SITE_WORK_TB (work, site, next_at)
SELECT %(work)s, site, %(now)s FROM SITE_TB AS known
WHERE NOT EXISTS (SELECT FROM SITE_WORK_TB AS held WHERE held.work = %(work)s AND held.site = known.site)
ORDER BY site
ON CONFLICT (work, site) DO NOTHING
