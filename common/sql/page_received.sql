-- What all sites have delivered over HTTP.
SELECT coalesce(sum(rows_new), 0)::bigint, coalesce(sum(rows_again), 0)::bigint, coalesce(sum(batches), 0)::bigint,
       extract(epoch FROM now() - max(batch_at))::float8
FROM SITE_TB
