-- For many sites.

-- How much each has delivered over HTTP: a year of batches is too long to be counted each time that somebody looks.
ALTER TABLE SITE_TB
    ADD COLUMN IF NOT EXISTS batches    bigint NOT NULL DEFAULT 0, -- with keys of their own
    ADD COLUMN IF NOT EXISTS rows_new   bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS rows_again bigint NOT NULL DEFAULT 0, -- that were here already
    ADD COLUMN IF NOT EXISTS batch_at   timestamptz;               -- when the newest of the batches came; NULL = never
UPDATE SITE_TB SET batches = counted.batches, rows_new = counted.rows_new, rows_again = counted.rows_again,
                   batch_at = counted.batch_at
FROM (SELECT split_part(key, '/', 1) AS site, count(*) AS batches, sum(rows - repeated) AS rows_new,
             sum(repeated + rows::bigint * (times_seen - 1)) AS rows_again, max(received_at) AS batch_at
      FROM RECEIVED_BATCH_TB GROUP BY 1) AS counted
WHERE counted.site = SITE_TB.site;

-- What is a year old is found without a look at all of a year. Deleted places are filled again, so pages are in no order.
CREATE INDEX IF NOT EXISTS site_pred_val_time ON SITE_PRED_VAL_TB (time);
CREATE INDEX IF NOT EXISTS received_batch_at ON RECEIVED_BATCH_TB (received_at);
