-- The last training, and whether one is running now: its session holds the lock %(lock)s.
SELECT last.at, last.outcome, last.line, last.usable,
       EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %(lock)s
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
FROM (VALUES (1)) AS one LEFT JOIN (SELECT * FROM FORECAST_MODEL_TB ORDER BY at DESC LIMIT 1) AS last ON true
