-- What came of a training; only by the session that holds the lock %(lock)s.
INSERT INTO FORECAST_MODEL_TB (version, at, outcome, line, usable, sha256, weights)
SELECT %(version)s, %(at)s, %(outcome)s, %(line)s, %(usable)s, %(sha256)s, %(weights)s
WHERE EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %(lock)s AND pid = pg_backend_pid())
