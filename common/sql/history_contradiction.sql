-- The first two rows of a file that give one time different values.
SELECT earlier, row, time, earlier_flow, flow, earlier_pressure, pressure
FROM (
    SELECT row, time, flow, pressure, lag(row) OVER same AS earlier, lag(flow) OVER same AS earlier_flow,
           lag(pressure) OVER same AS earlier_pressure
    FROM history_rows WINDOW same AS (PARTITION BY time ORDER BY row)
) AS pairs
WHERE earlier IS NOT NULL AND (flow <> earlier_flow OR pressure <> earlier_pressure)
ORDER BY row
LIMIT 1
