-- These sites were heard (arrays of equal length, sorted by site); how far each is: offset, and minutes since 1970 of what
-- is closed and of now. A time of the future is that of a wrong clock, also one that is noted: of this database, then.
-- %(ahead)s: minutes that a right clock may be ahead.
INSERT INTO SITE_TB AS known (site, heard_at)
SELECT site, least(coalesce(heard, now()), now())
FROM unnest(%(sites)s::text[], %(heard)s::timestamptz[]) AS new(site, heard)
ON CONFLICT (site) DO UPDATE SET heard_at = CASE WHEN known.heard_at > now() THEN excluded.heard_at
                                                 ELSE greatest(known.heard_at, excluded.heard_at) END
RETURNING site, log_id, next_offset,
          CASE WHEN closed_through <= now() + %(ahead)s * interval '1 minute'
               THEN floor(extract(epoch FROM closed_through) / 60)::bigint END,
          floor(extract(epoch FROM now()) / 60)::bigint
