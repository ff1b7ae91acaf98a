-- Marks that wait from now on. One that comes again may reach further.
INSERT INTO SITE_MARK_TB AS known (site, log_id, first_offset, next_offset, closed_through)
SELECT site, log_id, first_offset, max(next_offset), max(closed)
FROM unnest(%(sites)s::text[], %(logs)s::text[], %(firsts)s::bigint[], %(offsets)s::bigint[], %(closed)s::timestamptz[])
     AS new(site, log_id, first_offset, next_offset, closed)
GROUP BY site, log_id, first_offset ORDER BY site, log_id, first_offset
ON CONFLICT (site, log_id, first_offset) DO UPDATE
SET next_offset = greatest(known.next_offset, excluded.next_offset),
    closed_through = greatest(known.closed_through, excluded.closed_through)
