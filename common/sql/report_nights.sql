-- The minimum night flow of each night from %(first)s to %(last)s, where there is one.
SELECT sensor, night, hour_flow FROM NIGHT_REPORT_TB
WHERE site = %(site)s AND night BETWEEN %(first)s AND %(last)s AND hour_flow IS NOT NULL
