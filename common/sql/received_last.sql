-- When each site was heard last: minutes since 1970.
SELECT split_part(key, '/', 1), floor(extract(epoch FROM max(received_at)) / 60)::bigint
FROM RECEIVED_BATCH_TB GROUP BY 1 ORDER BY 2 DESC LIMIT 1000
