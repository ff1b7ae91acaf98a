-- What follows the truth of a site's forecasts, from now on.
INSERT INTO FORECAST_SITE_TB (site, intervals) VALUES (%(site)s, %(intervals)s::text::jsonb)
ON CONFLICT (site) DO UPDATE SET intervals = EXCLUDED.intervals
