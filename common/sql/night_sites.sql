-- What the utility knows of each sensor for the night's report.
SELECT sensor, night_users, night_litres, night_use, n1, reference_pressure, replaced_at FROM SENSOR_TB
