-- The minimum hours of the nights before one, for comparison.
SELECT sensor, night, hour_flow, hour_pressure FROM NIGHT_REPORT_TB
WHERE night >= %(first)s AND night < %(before)s AND hour_flow IS NOT NULL
