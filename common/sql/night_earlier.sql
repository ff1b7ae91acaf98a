-- The minimum hours of a site's nights before one, for comparison.
SELECT sensor, night, hour_flow, hour_pressure FROM NIGHT_REPORT_TB
WHERE site = %(site)s AND night >= %(first)s AND night < %(before)s AND hour_flow IS NOT NULL
