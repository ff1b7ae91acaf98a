-- The months of the rows that have arrived that have no partition yet, and whether each is near: within the year that is
-- kept, or next month. How many partitions there are.
SELECT month, month BETWEEN now() - interval '14 months' AND now() + interval '1 month',
       (SELECT count(*) FROM pg_inherits WHERE inhparent = 'real_val_tb'::regclass)
FROM (SELECT DISTINCT date_trunc('month', time, 'UTC') AS month FROM arrived) AS came
WHERE to_regclass('real_val_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM')) IS NULL
ORDER BY 2 DESC, 1
