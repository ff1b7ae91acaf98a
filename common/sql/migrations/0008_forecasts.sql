-- What forecasts are made from and by, where every process finds it.

-- The hours of a sensor: with them an hour's forecast reads the minutes of the last days only, not of half a year.
CREATE TABLE IF NOT EXISTS FORECAST_HOURS_TB (
    site     text NOT NULL,
    sensor   text NOT NULL,
    timezone text NOT NULL,                    -- the wall clock that counts the hours
    first    integer NOT NULL,                 -- the first hour, in hours of that clock since 1970
    flow     bytea NOT NULL,                   -- mean of each hour from there on, m3/h, float32; NaN = missing
    pressure bytea NOT NULL,                   -- bar
    through  timestamptz NOT NULL,             -- the site's rows of before this time had come when it was written
    read_at  timestamptz NOT NULL,             -- when all of its hours were made from minutes
    PRIMARY KEY (site, sensor)
);
ALTER TABLE FORECAST_HOURS_TB ALTER COLUMN flow SET STORAGE EXTERNAL; -- noise cannot be compressed
ALTER TABLE FORECAST_HOURS_TB ALTER COLUMN pressure SET STORAGE EXTERNAL;

-- What follows the truth of a site's forecasts: of each series how far its interval is stretched and how much of the
-- value of a week ago is taken.
CREATE TABLE IF NOT EXISTS FORECAST_SITE_TB (
    site      text PRIMARY KEY,
    intervals jsonb NOT NULL
);

-- One line a training. The newest weights that were taken forecast, in every process.
CREATE TABLE IF NOT EXISTS FORECAST_MODEL_TB (
    version text PRIMARY KEY,
    at      timestamptz NOT NULL,              -- when it was learnt
    outcome text NOT NULL,                     -- accepted, not accepted, too little history
    line    text NOT NULL,                     -- how it did
    usable  boolean NOT NULL,                  -- whether there were weights to forecast with after it
    sha256  text,                              -- of the weights
    weights bytea                              -- a file of arrays (npz); NULL = not taken, or given up for newer ones
);
ALTER TABLE FORECAST_MODEL_TB ALTER COLUMN weights SET STORAGE EXTERNAL;
