-- These sites were heard (arrays of equal length, sorted by site); how far each is: offset, and minutes since 1970 of what
-- is closed and of now. A time of the future is that of a wrong clock.
INSERT INTO SITE_TB AS known (site, heard_at)
SELECT site, least(coalesce(heard, now()), now())
FROM unnest(%(sites)s::text[], %(heard)s::timestamptz[]) AS new(site, heard)
ON CONFLICT (site) DO UPDATE SET heard_at = greatest(known.heard_at, excluded.heard_at)
RETURNING site, log_id, next_offset, floor(extract(epoch FROM closed_through) / 60)::bigint,
          floor(extract(epoch FROM now()) / 60)::bigint
