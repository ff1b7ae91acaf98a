-- The utility's night settings of each sensor of a site.
SELECT sensor, replaced_at, night_users, night_litres, night_use, n1, reference_pressure, mains_km, connections, service_km
FROM SENSOR_TB WHERE site = %(site)s
