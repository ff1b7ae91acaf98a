-- When each site was heard last: minutes since 1970. One that has been silent for longer has been taken away.
SELECT site, floor(extract(epoch FROM heard_at) / 60)::bigint
FROM SITE_TB WHERE heard_at > now() - interval '8 days' ORDER BY heard_at DESC LIMIT 100000
