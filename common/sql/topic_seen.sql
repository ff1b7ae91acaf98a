-- The cluster has said where a partition ends: so many messages are not stored, and all of so long ago are.
UPDATE KAFKA_MARK_TB
SET seen_at = now(), lag = %(lag)s,
    read_through = greatest(read_through, now() - %(behind)s::float8 * interval '1 second')
WHERE topic_id = %(topic_id)s AND partition = %(partition)s
