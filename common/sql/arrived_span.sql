-- The first and the last minute of the rows that have arrived, and how many they are.
SELECT min(time), max(time), count(*) FROM arrived
