-- What follows the truth of a site's forecasts.
SELECT intervals::text FROM FORECAST_SITE_TB WHERE site = %(site)s
