-- The sites of a center that were heard of since %(since)s, in an order that has nothing to do with their names.
SELECT site, timezone FROM SITE_TB WHERE heard_at >= %(since)s ORDER BY md5(site)
