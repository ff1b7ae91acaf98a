-- The nights from %(first)s on that have a report, oldest first.
SELECT DISTINCT night FROM NIGHT_REPORT_TB WHERE night >= %(first)s ORDER BY night
