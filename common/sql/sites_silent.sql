-- How many sites deliver here, how many of them are silent, and when the last one was heard; the times are those of
-- situation/sites.py.
SELECT count(*), count(*) FILTER (WHERE heard_at <= %(silent)s), extract(epoch FROM max(heard_at))::bigint FROM SITE_TB WHERE heard_at > %(gone)s
