-- The nights of a site from %(first)s on that have a report, oldest first.
SELECT DISTINCT night FROM NIGHT_REPORT_TB WHERE site = %(site)s AND night >= %(first)s ORDER BY night
