-- The partitions of each topic that somebody has read in the last week, as it is now (made anew, it has another id):
-- messages that are not stored, seconds since somebody looked, and how long ago all that there was is stored.
SELECT topic, partition, lag, extract(epoch FROM now() - seen_at)::float8, extract(epoch FROM now() - read_through)::float8
FROM KAFKA_MARK_TB
WHERE topic_id IN (
    SELECT DISTINCT ON (topic) topic_id FROM KAFKA_MARK_TB
    WHERE seen_at > now() - interval '7 days' ORDER BY topic, seen_at DESC)
ORDER BY topic, partition
