-- Rows that boxes send are stored as a box's own archive stores them: in REAL_VAL_TB, by site and sensor.

-- Rows whose minute another row has, with other values. The first one counts; nothing reads these but people.
CREATE TABLE IF NOT EXISTS SECOND_VAL_TB (
    site           text NOT NULL,
    sensor         text NOT NULL,
    time           timestamptz NOT NULL,
    flow           double precision,
    pressure       double precision,
    samples        integer NOT NULL,
    flow_flags     text NOT NULL,
    pressure_flags text NOT NULL,
    log_id         text NOT NULL,
    log_offset     bigint NOT NULL,
    came_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, sensor, time, log_id, log_offset)
);

-- What each box itself forecast at the start of an hour for the mean of that hour, as it came with its row.
CREATE TABLE IF NOT EXISTS SITE_PRED_VAL_TB (
    site     text NOT NULL,
    sensor   text NOT NULL,
    time     timestamptz NOT NULL,             -- start of the hour
    flow     double precision NOT NULL,        -- m3/h
    pressure double precision NOT NULL,        -- bar
    PRIMARY KEY (site, sensor, time)
);

-- The month's partition of REAL_VAL_TB for a time; created with the first row of the month, one at a time. A table that
-- is attached, unlike one that is created as a partition, waits for nobody who reads or writes the others.
CREATE OR REPLACE FUNCTION real_val_partition(at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', at AT TIME ZONE 'UTC')::date;
    name  text := 'real_val_' || to_char(first, 'YYYYMM');
BEGIN
    IF to_regclass(name) IS NULL THEN
        LOCK TABLE ONLY REAL_VAL_TB IN SHARE UPDATE EXCLUSIVE MODE; -- as attaching does; then what is known is of now
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE REAL_VAL_TB INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
            EXECUTE format(
                'ALTER TABLE REAL_VAL_TB ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                name, first::text || ' 00:00+00', (first + interval '1 month')::date::text || ' 00:00+00');
        END IF;
    END IF;
    RETURN name;
END $$;

-- The same for several, for whoever may store rows but makes no tables: the embedded database's web process.
CREATE OR REPLACE FUNCTION real_val_partitions(times timestamptz[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM real_val_partition(month)
    FROM (SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month
          FROM unnest(times) AS at) AS months;
END $$;

-- What the version before still stores. Sensors that a box's archive keeps apart stay apart.
CREATE OR REPLACE FUNCTION received_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM real_val_partitions((SELECT array_agg(DISTINCT time) FROM came));
    INSERT INTO SENSOR_TB (site, sensor)
    SELECT DISTINCT site, sensor FROM came WHERE NOT EXISTS (
        SELECT FROM UNREGISTERED_VAL_TB apart WHERE apart.site = came.site AND apart.sensor = came.sensor)
    ORDER BY 1, 2 ON CONFLICT (site, sensor) DO NOTHING;
    INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
    SELECT site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset FROM came
    WHERE EXISTS (SELECT FROM SENSOR_TB known WHERE known.site = came.site AND known.sensor = came.sensor)
    ORDER BY site, sensor, time, received_at, log_id, log_offset
    ON CONFLICT (site, sensor, time) DO NOTHING;
    INSERT INTO SECOND_VAL_TB
        (site, sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset, came_at)
    SELECT site, sensor, time, came.flow, came.pressure, came.samples, came.flow_flags, came.pressure_flags,
           came.log_id, came.log_offset, received_at
    FROM came JOIN REAL_VAL_TB stored USING (site, sensor, time)
    WHERE stored.time BETWEEN (SELECT min(time) FROM came) AND (SELECT max(time) FROM came)
      AND (stored.flow, stored.pressure, stored.samples, stored.flow_flags, stored.pressure_flags)
          IS DISTINCT FROM (came.flow, came.pressure, came.samples, came.flow_flags, came.pressure_flags)
    ORDER BY site, sensor, time ON CONFLICT DO NOTHING;
    INSERT INTO SITE_PRED_VAL_TB (site, sensor, time, flow, pressure)
    SELECT site, sensor, time, pred_flow, pred_pressure FROM came WHERE pred_flow <> 0 OR pred_pressure <> 0
    ORDER BY site, sensor, time, received_at ON CONFLICT (site, sensor, time) DO NOTHING;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER received_rows AFTER INSERT ON RECEIVED_TB
REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION received_rows();

-- Whoever calls the two decides nothing of which tables they mean.
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION real_val_partitions(timestamptz[]) SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION received_rows() SET search_path = %I, pg_temp', current_schema());
END $$;
