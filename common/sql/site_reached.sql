-- How far these sites are now. The minute never goes back, but for one of the future.
UPDATE SITE_TB SET log_id = new.log_id, next_offset = new.next_offset,
                   closed_through = new.closed
FROM unnest(%(sites)s::text[], %(logs)s::text[], %(offsets)s::bigint[], %(closed)s::timestamptz[])
     AS new(site, log_id, next_offset, closed)
WHERE SITE_TB.site = new.site
