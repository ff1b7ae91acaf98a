-- Each night's figures with all inputs.
SELECT night, extract(epoch FROM hour_start)::bigint AS hour_start, hour_flow, hour_pressure, hour_minutes,
       good_minutes, faulty_minutes, planned_minutes, percentile_flow, percentile_nights,
       night_use, night_use_by, night_users, night_litres, n1, reference_pressure, reference_by,
       leak_flow, leak_flow_reference, day_factor, pressure_hours, leak_day, definition,
       night_use_low, night_use_high, leak_flow_low, leak_flow_high, leak_flow_reference_low, leak_flow_reference_high,
       leak_day_low, leak_day_high, leak_bound, extract(epoch FROM leak_bound_start)::bigint AS leak_bound_start, uarl_day
FROM NIGHT_REPORT_TB WHERE site = %(site)s AND sensor = %(sensor)s AND night >= %(first)s AND night < %(before)s ORDER BY night
