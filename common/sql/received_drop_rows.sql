-- Delete at most %(rows)s rows older than a year.
-- The age is measured from the newest row if that is older than now: a clock that jumped ahead must not delete a year.
DELETE FROM RECEIVED_TB WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM RECEIVED_TB
    WHERE time < (SELECT least(now(), max(time)) - interval '365 days' FROM RECEIVED_TB) LIMIT %(rows)s))
