-- hydrolog's tables. Every statement is safe to repeat.

-- Registered sensors. Rows of other sensors go to UNREGISTERED_VAL_TB.
CREATE TABLE IF NOT EXISTS SENSOR_TB (
    sensor        text PRIMARY KEY,
    name          text NOT NULL DEFAULT '',
    flow_max      double precision,            -- m3/h, physical limit of the meter
    pressure_max  double precision,            -- bar
    registered_at timestamptz NOT NULL DEFAULT now()
);
-- Settings for the night report. NULL = unknown, the default is used.
ALTER TABLE SENSOR_TB
    ADD COLUMN IF NOT EXISTS night_users        double precision, -- people supplied
    ADD COLUMN IF NOT EXISTS night_litres       double precision, -- L/h that each of them uses at night
    ADD COLUMN IF NOT EXISTS night_use          double precision, -- m3/h, instead of the two above
    ADD COLUMN IF NOT EXISTS n1                 double precision, -- leak ~ pressure ^ n1
    ADD COLUMN IF NOT EXISTS reference_pressure double precision, -- bar
    ADD COLUMN IF NOT EXISTS replaced_at        timestamptz,      -- when the instrument was replaced
    ADD COLUMN IF NOT EXISTS mains_km           double precision, -- with the next two: unavoidable losses (UARL)
    ADD COLUMN IF NOT EXISTS connections        double precision, -- service connections
    ADD COLUMN IF NOT EXISTS service_km         double precision, -- service pipe from property line to meter
    ADD COLUMN IF NOT EXISTS changed_at         timestamptz;      -- when people last changed any of these
-- Of a zone: its meters, as in the settings; '' = a meter. What a zone was before its formula changed is another's.
ALTER TABLE SENSOR_TB ADD COLUMN IF NOT EXISTS formula text NOT NULL DEFAULT '';
-- Where it is, degrees of WGS84; both or none.
ALTER TABLE SENSOR_TB
    ADD COLUMN IF NOT EXISTS latitude  double precision CHECK (latitude BETWEEN -90 AND 90),
    ADD COLUMN IF NOT EXISTS longitude double precision CHECK (longitude BETWEEN -180 AND 180);

-- One row per sensor and minute, exactly as in the log. Partitioned by month: see real_val_partition().
CREATE TABLE IF NOT EXISTS REAL_VAL_TB (
    sensor         text NOT NULL,
    time           timestamptz NOT NULL,       -- start of the minute
    flow           double precision,           -- m3/h, NULL = no value
    pressure       double precision,           -- bar, NULL = no value
    samples        integer NOT NULL,           -- readings in the minute
    flow_flags     text NOT NULL DEFAULT '0000',
    pressure_flags text NOT NULL DEFAULT '000',
    log_id         text NOT NULL,              -- with log_offset: identifies the row in its log
    log_offset     bigint NOT NULL,
    PRIMARY KEY (sensor, time)
) PARTITION BY RANGE (time);

-- How many minutes a row covers, from its time on: more than one if it is from a file with longer steps.
ALTER TABLE REAL_VAL_TB ADD COLUMN IF NOT EXISTS minutes smallint NOT NULL DEFAULT 1;

CREATE TABLE IF NOT EXISTS UNREGISTERED_VAL_TB (
    sensor         text NOT NULL,
    time           timestamptz NOT NULL,
    flow           double precision,
    pressure       double precision,
    samples        integer NOT NULL,
    flow_flags     text NOT NULL DEFAULT '0000',
    pressure_flags text NOT NULL DEFAULT '000',
    log_id         text NOT NULL,
    log_offset     bigint NOT NULL,
    PRIMARY KEY (sensor, time)
);

-- One row per flagged value: the method and its reason. Kept as long as the values.
CREATE TABLE IF NOT EXISTS OUTLIER_TB (
    sensor   text NOT NULL,
    time     timestamptz NOT NULL,
    channel  text NOT NULL CHECK (channel IN ('flow', 'pressure')),
    method   text NOT NULL CHECK (method IN ('SYSTEM', 'VALUE', 'PREDICT', 'NIGHT')),
    code     text NOT NULL,                    -- the flag's letter
    severity text NOT NULL,                    -- WATCH, LEAK, FAULT, SUPPLY, PLANNED
    value    double precision,
    reason   text NOT NULL,                    -- text for the operator
    PRIMARY KEY (sensor, time, channel, method)
);
ALTER TABLE OUTLIER_TB ADD COLUMN IF NOT EXISTS incident text; -- INCIDENT_TB.id; NULL = none is known
CREATE INDEX IF NOT EXISTS outlier_without_incident ON OUTLIER_TB (sensor, time) WHERE incident IS NULL;

-- One trouble at one point, from its first sign to its end, as in incidents.json. A few hundred a year: kept for good.
CREATE TABLE IF NOT EXISTS INCIDENT_TB (
    site           text NOT NULL,
    id             text NOT NULL,
    sensor         text NOT NULL,
    kind           text NOT NULL,              -- leak, fault, supply
    severity       text NOT NULL,              -- of the worst sign that stands, or that it ever had
    channel        text NOT NULL,              -- flow, pressure, both
    began          timestamptz NOT NULL,       -- when it probably began
    raised         timestamptz NOT NULL,       -- when it was first told
    ended          timestamptz,                -- when it probably ended; NULL = it is up
    size_m3h       double precision,           -- its newest size, with its standard error, at size_at; NULL = not known
    size_error_m3h double precision,
    size_at        timestamptz,
    largest_m3h    double precision,
    volume_m3      double precision,           -- lost so far
    returned       bigint NOT NULL,            -- how often it came back after it had ended
    signs          jsonb NOT NULL,             -- what the methods found; minutes are UTC minutes since 1970
    before         jsonb NOT NULL,             -- what it was taken for before
    stage          text NOT NULL,              -- among people: open, acknowledged, shelved, closed
    by             text,                       -- who made the stage what it is, and when; NULL = nobody
    at             timestamptz,
    until          timestamptz,                -- until when it is shelved
    cause          text,                       -- why it was closed
    PRIMARY KEY (site, id)
);
-- The incident with which it is one leak, at a zone or a meter of it; '' = it stands alone.
ALTER TABLE INCIDENT_TB ADD COLUMN IF NOT EXISTS joined text NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS incident_began ON INCIDENT_TB (sensor, began);

-- What people did about incidents, as in incident_acts.jsonl. Kept for good, like the incidents.
CREATE TABLE IF NOT EXISTS INCIDENT_ACT_TB (
    site     text NOT NULL,
    id       text NOT NULL,
    incident text NOT NULL,                    -- INCIDENT_TB.id
    at       timestamptz NOT NULL,
    by       text NOT NULL,
    act      text NOT NULL,                    -- acknowledge, shelve, close, note
    until    timestamptz,                      -- of shelve
    cause    text,                             -- of close: repaired, flushing, meter, accepted, false-alarm, other
    text     text NOT NULL,                    -- the note; may be empty
    PRIMARY KEY (site, id)
);
CREATE INDEX IF NOT EXISTS incident_act_incident ON INCIDENT_ACT_TB (site, incident);

-- Who did what on the page and with the commands, as in audit.jsonl. Kept for good.
CREATE TABLE IF NOT EXISTS AUDIT_TB (
    site    text NOT NULL,
    id      text NOT NULL,
    at      timestamptz NOT NULL,
    by      text NOT NULL,                     -- empty: nobody was logged in
    address text NOT NULL,                     -- of the browser; empty: at the box
    what    text NOT NULL,                     -- login, user-added ...
    values  jsonb NOT NULL,                    -- what it was about
    PRIMARY KEY (site, id)
);
CREATE INDEX IF NOT EXISTS audit_at ON AUDIT_TB (site, at);

-- All forecasts, for later evaluation. Kept as long as the rows of their hours.
CREATE TABLE IF NOT EXISTS PRED_VAL_TB (
    sensor        text NOT NULL,
    made_at       timestamptz NOT NULL,
    hour          timestamptz NOT NULL,        -- start of the forecast hour
    flow          double precision,            -- m3/h, mean of the hour
    pressure      double precision,            -- bar
    flow_low      double precision,            -- 90 % interval
    flow_high     double precision,
    pressure_low  double precision,
    pressure_high double precision,
    model         text NOT NULL,
    PRIMARY KEY (sensor, made_at, hour)
);
CREATE INDEX IF NOT EXISTS pred_val_hour ON PRED_VAL_TB (hour, sensor);

-- The mean of minutes T-9..T, every ten minutes of the night.
CREATE TABLE IF NOT EXISTS NIGHT_FLOW_VAL_TB (
    sensor           text NOT NULL,
    time             timestamptz NOT NULL,     -- T
    flow             double precision,         -- m3/h, mean of the minutes with a value
    pressure         double precision,         -- bar
    minutes          integer NOT NULL,         -- distinct minutes present, 0..10
    flow_minutes     integer NOT NULL,         -- of these, with a flow value
    pressure_minutes integer NOT NULL,
    complete         boolean NOT NULL,         -- all ten minutes present
    computed_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sensor, time)
);

-- The leakage of each night, with all inputs.
CREATE TABLE IF NOT EXISTS NIGHT_REPORT_TB (
    sensor              text NOT NULL,
    night               date NOT NULL,         -- the site's date of the morning
    hour_start          timestamptz,           -- the quietest rolling hour of the report's hours, NULL = too few values
    hour_flow           double precision,      -- m3/h, mean of that hour without faulty values
    hour_pressure       double precision,      -- bar
    hour_minutes        integer NOT NULL,      -- accepted minutes in it
    good_minutes        integer NOT NULL,      -- accepted flow values in all of the report's hours
    faulty_minutes      integer NOT NULL,      -- excluded because of a SYSTEM flag
    percentile_flow     double precision,      -- m3/h, 20th percentile of the last seven days' hour_flow
    percentile_nights   integer NOT NULL,      -- number of nights used
    night_use           double precision,      -- m3/h, assumed use by people
    n1                  double precision NOT NULL, -- leak ~ pressure ^ n1
    reference_pressure  double precision,      -- bar, median of the last nights' hour_pressure
    leak_flow           double precision,      -- m3/h = hour_flow - night_use, not above leak_bound
    leak_flow_reference double precision,      -- m3/h at the reference pressure, for comparing nights
    day_factor          double precision,      -- h/d, sum over the day of (pressure / hour_pressure) ^ n1
    pressure_hours      integer NOT NULL,      -- hours of the day with a pressure
    leak_day            double precision,      -- m3/d = leak_flow * day_factor
    computed_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sensor, night)
);
ALTER TABLE NIGHT_REPORT_TB
    ADD COLUMN IF NOT EXISTS planned_minutes integer NOT NULL DEFAULT 0, -- left out because of planned work
    ADD COLUMN IF NOT EXISTS night_use_by    text NOT NULL DEFAULT 'share', -- share, users, fixed
    ADD COLUMN IF NOT EXISTS night_users     double precision,  -- with night_litres, where night_use_by is users
    ADD COLUMN IF NOT EXISTS night_litres    double precision,
    ADD COLUMN IF NOT EXISTS reference_by    text NOT NULL DEFAULT 'nights', -- nights, fixed
    ADD COLUMN IF NOT EXISTS definition      integer NOT NULL DEFAULT 1, -- common/night.py; 1 made no ranges
    -- Estimates, where night_use_by is share: ranges. night_use, leak_flow, leak_flow_reference, leak_day are NULL then.
    ADD COLUMN IF NOT EXISTS night_use_low   double precision,  -- m3/h
    ADD COLUMN IF NOT EXISTS night_use_high  double precision,
    ADD COLUMN IF NOT EXISTS leak_flow_low   double precision,  -- m3/h
    ADD COLUMN IF NOT EXISTS leak_flow_high  double precision,
    ADD COLUMN IF NOT EXISTS leak_flow_reference_low  double precision, -- m3/h
    ADD COLUMN IF NOT EXISTS leak_flow_reference_high double precision,
    ADD COLUMN IF NOT EXISTS leak_day_low    double precision,  -- m3/d
    ADD COLUMN IF NOT EXISTS leak_day_high   double precision,
    ADD COLUMN IF NOT EXISTS leak_bound      double precision,  -- m3/h, the highest leakage that the day's flow allows
    ADD COLUMN IF NOT EXISTS leak_bound_start timestamptz,      -- the hour that allows no more
    ADD COLUMN IF NOT EXISTS uarl_day        double precision;  -- m3/d, unavoidable real losses

-- The reference receiver: what arrived, each row once.
CREATE TABLE IF NOT EXISTS RECEIVED_TB (
    site           text NOT NULL,
    log_id         text NOT NULL,
    log_offset     bigint NOT NULL,
    time           timestamptz NOT NULL,
    sensor         text NOT NULL,
    flow           double precision,
    pressure       double precision,
    samples        integer NOT NULL,
    flow_flags     text NOT NULL,
    pressure_flags text NOT NULL,
    pred_flow      double precision NOT NULL,
    pred_pressure  double precision NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, log_id, log_offset)
);
CREATE INDEX IF NOT EXISTS received_time ON RECEIVED_TB (time);

CREATE TABLE IF NOT EXISTS RECEIVED_BATCH_TB (
    key         text PRIMARY KEY,              -- the Idempotency-Key
    rows        integer NOT NULL,
    repeated    integer NOT NULL,              -- its rows that were already stored
    received_at timestamptz NOT NULL DEFAULT now(),
    times_seen  integer NOT NULL DEFAULT 1
);
ALTER TABLE RECEIVED_BATCH_TB DROP COLUMN IF EXISTS sha256; -- of the body, in the first version

-- The month's partition of REAL_VAL_TB for a time; created with the first row of the month.
CREATE OR REPLACE FUNCTION real_val_partition(at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', at AT TIME ZONE 'UTC')::date;
    name  text := 'real_val_' || to_char(first, 'YYYYMM');
BEGIN
    IF to_regclass(name) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF REAL_VAL_TB FOR VALUES FROM (%L) TO (%L)',
            name, first::text || ' 00:00+00', (first + interval '1 month')::date::text || ' 00:00+00');
    END IF;
    RETURN name;
END $$;

-- How far the rows of a topic are stored: written in the transaction that stores them.
CREATE TABLE IF NOT EXISTS KAFKA_MARK_TB (
    topic_id  text NOT NULL,                   -- the cluster's: another one if the topic was made anew
    partition integer NOT NULL,
    topic     text NOT NULL,                   -- its name
    next      bigint NOT NULL,                 -- all messages before this one are stored, or set aside
    PRIMARY KEY (topic_id, partition)
);

-- What went wrong in a topic, counted in the transaction that goes on behind it. Kept for good.
CREATE TABLE IF NOT EXISTS KAFKA_TROUBLE_TB (
    topic_id  text NOT NULL,
    partition integer NOT NULL,
    code      text NOT NULL,                   -- topic-expired, topic-anew, topic-cut, topic-strange
    topic     text NOT NULL,
    messages  bigint NOT NULL,                 -- how many are gone, or were set aside; 1 where the topic is new
    began     timestamptz NOT NULL DEFAULT now(),
    latest    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic_id, partition, code)
);

-- Each site that delivers here: when it was heard last, and through which minute it is complete. Written in the
-- transaction that stores the rows.
CREATE TABLE IF NOT EXISTS SITE_TB (
    site           text PRIMARY KEY,
    heard_at       timestamptz NOT NULL,       -- when its newest batch came
    log_id         text,                       -- of its newest log; NULL = no mark has said so
    next_offset    bigint,                     -- all rows of that log before it are stored
    closed_through timestamptz                 -- all rows of this minute and of those before; NULL = not known
);
INSERT INTO SITE_TB (site, heard_at)           -- of an earlier version
SELECT split_part(key, '/', 1), max(received_at) FROM RECEIVED_BATCH_TB
WHERE NOT EXISTS (SELECT FROM SITE_TB) GROUP BY 1 ON CONFLICT DO NOTHING;

-- Marks of batches that have overtaken a batch before them.
CREATE TABLE IF NOT EXISTS SITE_MARK_TB (
    site           text NOT NULL,
    log_id         text NOT NULL,
    first_offset   bigint NOT NULL,            -- of its batch
    next_offset    bigint NOT NULL,            -- the first one behind its batch
    closed_through timestamptz,                -- as in SITE_TB
    waits_since    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, log_id, first_offset)
);

-- How far behind each partition is, as its reader says now and then.
ALTER TABLE KAFKA_MARK_TB
    ADD COLUMN IF NOT EXISTS seen_at      timestamptz, -- when its reader has said so; NULL = never
    ADD COLUMN IF NOT EXISTS lag          bigint,      -- messages that are not stored
    ADD COLUMN IF NOT EXISTS read_through timestamptz; -- all messages of before are stored; NULL = not known
