-- Where rows are put before they are stored; empty again after each transaction.
CREATE TEMP TABLE IF NOT EXISTS arrived (
    site text, log_id text, log_offset bigint, time timestamptz, sensor text, flow float8, pressure float8, samples integer,
    flow_flags text, pressure_flags text, pred_flow float8, pred_pressure float8
) ON COMMIT DELETE ROWS
