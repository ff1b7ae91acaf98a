-- All but the newest %(most)s weights are given up; what is known of a training stays for a year.
WITH old AS (SELECT version FROM FORECAST_MODEL_TB WHERE weights IS NOT NULL ORDER BY version DESC OFFSET %(most)s),
     gone AS (DELETE FROM FORECAST_MODEL_TB WHERE at < %(at)s - interval '1 year' AND weights IS NULL)
UPDATE FORECAST_MODEL_TB SET weights = NULL WHERE version IN (SELECT version FROM old)
