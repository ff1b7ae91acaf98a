-- The weights that may be used, newest first; at most %(most)s.
SELECT version, sha256 FROM FORECAST_MODEL_TB WHERE weights IS NOT NULL ORDER BY version DESC LIMIT %(most)s
