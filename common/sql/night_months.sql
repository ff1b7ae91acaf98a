-- The nights from %(first)s to %(last)s of each sensor of a site, or of one, summed up. A night without a daily leakage adds
-- nothing and is named; so is one of an earlier definition (below %(definition)s) whose guess was one number.
WITH known AS (
    SELECT sensor FROM SENSOR_TB WHERE site = %(site)s
    UNION SELECT sensor FROM NIGHT_REPORT_TB WHERE site = %(site)s AND night BETWEEN %(first)s AND %(last)s
), told AS (
    SELECT known.sensor, day::date AS night, hour_flow, uarl_day, night_use_by = 'share' AS is_estimate,
           CASE WHEN night_use_by <> 'share' THEN leak_day END AS set_day,
           CASE WHEN night_use_by <> 'share' THEN leak_day WHEN definition >= %(definition)s THEN leak_day_low END
               AS low_day,
           CASE WHEN night_use_by <> 'share' THEN leak_day WHEN definition >= %(definition)s THEN leak_day_high END
               AS high_day
    FROM known CROSS JOIN generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS day
    LEFT JOIN NIGHT_REPORT_TB AS report
        ON report.site = %(site)s AND report.sensor = known.sensor AND report.night = day::date
    WHERE %(sensor)s::text IS NULL OR known.sensor = %(sensor)s
)
SELECT sensor,
       avg(hour_flow) AS hour_flow_mean,
       count(hour_flow) AS hour_flow_nights,
       count(low_day) AS nights,
       COALESCE(array_agg(night ORDER BY night) FILTER (WHERE low_day IS NULL), '{}') AS missing,
       sum(low_day) AS leak_low,
       sum(high_day) AS leak_high,
       COALESCE(bool_or(is_estimate) FILTER (WHERE low_day IS NOT NULL), false) AS estimate,
       sum(uarl_day) AS uarl,
       count(uarl_day) AS uarl_nights,
       sum(set_day) FILTER (WHERE uarl_day > 0) / sum(uarl_day) FILTER (WHERE set_day IS NOT NULL AND uarl_day > 0)
           AS ili,
       count(*) FILTER (WHERE set_day IS NOT NULL AND uarl_day > 0) AS ili_nights
FROM told
GROUP BY sensor
ORDER BY sensor
