-- A batch received n times has sent its rows n times.
SELECT coalesce(sum(rows - repeated), 0)::bigint, coalesce(sum(repeated + rows * (times_seen - 1)), 0)::bigint,
       count(*), extract(epoch FROM now() - max(received_at))::float8
FROM RECEIVED_BATCH_TB
