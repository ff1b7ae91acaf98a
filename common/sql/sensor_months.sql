-- A partition for each month in which the sensor has rows that wait for its registration.
SELECT real_val_partition(month)
FROM (SELECT DISTINCT date_trunc('month', time AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month
      FROM UNREGISTERED_VAL_TB WHERE site = %(site)s AND sensor = %(sensor)s) AS months
