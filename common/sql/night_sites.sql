-- The utility's night settings of each sensor.
SELECT sensor, night_users, night_litres, night_use, n1, reference_pressure, replaced_at FROM SENSOR_TB
