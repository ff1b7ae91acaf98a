-- Sites of which people have changed what is known of a sensor are due now. %(work)s, %(now)s; %(first)s: earlier changes
-- change no report.
UPDATE SITE_WORK_TB SET next_at = %(now)s WHERE work = %(work)s AND site IN (
    SELECT held.site FROM SITE_WORK_TB AS held
    JOIN (SELECT site, max(changed_at) AS changed FROM SENSOR_TB
          WHERE changed_at > %(first)s AND changed_at <= %(now)s GROUP BY site) AS known ON known.site = held.site
    WHERE work = %(work)s AND next_at > %(now)s AND failed = 0
      AND changed IS DISTINCT FROM (held.state ->> 'changed')::timestamptz
    FOR UPDATE OF held SKIP LOCKED)
