-- The marks of these sites that wait for a batch before them, and whether for too long.
SELECT site, log_id, first_offset, next_offset, floor(extract(epoch FROM closed_through) / 60)::bigint,
       waits_since < now() - %(hours)s * interval '1 hour'
FROM SITE_MARK_TB WHERE site = ANY (%(sites)s)
