-- The embedded database's users, by its superuser at each start: all tables belong to one that can do nothing else.
DO $$
DECLARE found text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hydrolog') THEN
        CREATE ROLE hydrolog LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hydrolog_web') THEN
        CREATE ROLE hydrolog_web LOGIN;
    END IF;
    EXECUTE format('ALTER DATABASE %I OWNER TO hydrolog', current_database()); -- so it may create tables
    -- A database of an earlier version: its tables belong to the superuser.
    FOR found IN SELECT oid::regclass FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relowner <> 'hydrolog'::regrole
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO hydrolog', found);
    END LOOP;
    FOR found IN SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proowner <> 'hydrolog'::regrole
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO hydrolog', found);
    END LOOP;
END $$;
