-- How many sites deliver here, and of how many nothing was heard for %(minutes)s minutes.
SELECT count(*), count(*) FILTER (WHERE heard_at < now() - %(minutes)s * interval '1 minute')
FROM SITE_TB WHERE heard_at > now() - interval '7 days'
