-- Which of the rows that have arrived, counted from 1 in their order, differ from the stored row of their name. The log's
-- columns of a row never change. The forecast is added by the sender and not compared: rows sent again from the sender's
-- database have none.
SELECT new.number
FROM (SELECT *, row_number() OVER (ORDER BY ctid) AS number FROM topic_arrived) new
JOIN RECEIVED_TB old USING (site, log_id, log_offset)
WHERE (old.time, old.sensor, old.flow, old.pressure, old.samples, old.flow_flags, old.pressure_flags)
   IS DISTINCT FROM (new.time, new.sensor, new.flow, new.pressure, new.samples, new.flow_flags, new.pressure_flags)
