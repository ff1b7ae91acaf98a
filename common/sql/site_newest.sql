-- The newest row of each sensor of a site, among the newest rows of its newest log. %(site)s; %(rows)s: how many of these.
SELECT DISTINCT ON (sensor) sensor, time, flow, pressure, flow_flags, pressure_flags
FROM (
    SELECT * FROM RECEIVED_TB
    WHERE site = %(site)s AND log_id = coalesce(
        (SELECT log_id FROM SITE_TB WHERE site = %(site)s),
        (SELECT log_id FROM RECEIVED_TB WHERE site = %(site)s ORDER BY log_id DESC LIMIT 1))
    ORDER BY site DESC, log_id DESC, log_offset DESC LIMIT %(rows)s
) newest
ORDER BY sensor, time DESC
