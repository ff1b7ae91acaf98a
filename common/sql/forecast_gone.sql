-- Forget what is kept of sites that have been taken away, and of their sensors. What somebody is writing goes the next time.
WITH gone AS (
    SELECT site, sensor FROM FORECAST_HOURS_TB AS kept
    WHERE NOT EXISTS (SELECT FROM SITE_TB AS known WHERE known.site = kept.site)
       OR NOT EXISTS (SELECT FROM SENSOR_TB AS known WHERE known.site = kept.site AND known.sensor = kept.sensor)
    FOR UPDATE SKIP LOCKED
), of_sites AS (
    DELETE FROM FORECAST_SITE_TB WHERE site IN (
        SELECT site FROM FORECAST_SITE_TB AS kept
        WHERE NOT EXISTS (SELECT FROM SITE_TB AS known WHERE known.site = kept.site)
        FOR UPDATE SKIP LOCKED)
)
DELETE FROM FORECAST_HOURS_TB WHERE (site, sensor) IN (SELECT site, sensor FROM gone)
