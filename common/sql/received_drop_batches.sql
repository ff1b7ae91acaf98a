-- Delete what is known of batches older than a year.
-- The age is measured from the newest row if that is older than now: a clock that jumped ahead must not delete a year.
DELETE FROM RECEIVED_BATCH_TB
WHERE received_at < (SELECT least(now(), max(time)) - interval '365 days' FROM RECEIVED_TB)
