-- How far these sites are now; never back.
UPDATE SITE_TB SET next_offset = new.next_offset, closed_through = greatest(SITE_TB.closed_through, new.closed)
FROM unnest(%(sites)s::text[], %(offsets)s::bigint[], %(closed)s::timestamptz[]) AS new(site, next_offset, closed)
WHERE SITE_TB.site = new.site
