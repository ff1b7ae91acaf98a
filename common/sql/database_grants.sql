-- What the web process may do in the embedded database: read, and write what it receives.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO hydrolog_web;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO hydrolog_web;
GRANT INSERT, UPDATE, DELETE ON RECEIVED_TB, RECEIVED_BATCH_TB, SITE_TB, SITE_MARK_TB TO hydrolog_web;
