-- What the web process may do in the embedded database: read, and write what it receives.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO hydrolog_web;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO hydrolog_web;
GRANT INSERT, UPDATE, DELETE ON RECEIVED_BATCH_TB, SITE_TB, SITE_MARK_TB TO hydrolog_web;
GRANT INSERT ON REAL_VAL_TB, UNREGISTERED_VAL_TB, SECOND_VAL_TB, SITE_PRED_VAL_TB TO hydrolog_web;
GRANT INSERT (site, sensor) ON SENSOR_TB TO hydrolog_web;
