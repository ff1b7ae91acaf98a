-- Whether a sensor of a site has windows in the night, from %(first)s to %(last)s, but no report of it.
SELECT EXISTS (
    SELECT FROM NIGHT_FLOW_VAL_TB AS stored
    WHERE stored.site = %(site)s AND stored.time BETWEEN %(first)s AND %(last)s AND NOT EXISTS (
        SELECT FROM NIGHT_REPORT_TB AS report
        WHERE report.site = stored.site AND report.sensor = stored.sensor AND report.night = %(night)s))
