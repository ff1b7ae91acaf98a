-- How many sites deliver here, and how many of them are silent; the times are those of situation/sites.py.
SELECT count(*), count(*) FILTER (WHERE heard_at <= %(silent)s) FROM SITE_TB WHERE heard_at > %(gone)s
