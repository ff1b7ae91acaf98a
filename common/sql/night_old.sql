-- The oldest night of a site after %(after)s with a report by an earlier definition than %(definition)s. If it is the last
-- one, also the nights of the %(compared)s after it, which were compared with it.
WITH old AS (
    SELECT min(night) AS first, max(night) AS last
    FROM NIGHT_REPORT_TB
    WHERE site = %(site)s AND night > %(after)s AND definition < %(definition)s
)
SELECT DISTINCT night FROM NIGHT_REPORT_TB, old
WHERE site = %(site)s AND (night = first OR first = last AND night > first AND night < first + %(compared)s)
ORDER BY night
