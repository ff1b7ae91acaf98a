-- A batch has come; how often its key has come by now. A key comes again after a lost answer. Its rows are then checked
-- one by one like all others: a sender that lost its frozen batch may have added other forecasts.
INSERT INTO RECEIVED_BATCH_TB AS known (key, rows, repeated) VALUES (%(key)s, %(rows)s, 0)
ON CONFLICT (key) DO UPDATE SET times_seen = known.times_seen + 1
RETURNING times_seen
