-- Write one night's report of one sensor, replacing an earlier one of the same night.
INSERT INTO NIGHT_REPORT_TB AS stored
    (site, sensor, night, hour_start, hour_flow, hour_pressure, hour_minutes, good_minutes, faulty_minutes,
     percentile_flow, percentile_nights, night_use, n1, reference_pressure, leak_flow, leak_flow_reference,
     day_factor, pressure_hours, leak_day, planned_minutes, night_use_by, night_users, night_litres, reference_by,
     definition, night_use_low, night_use_high, leak_flow_low, leak_flow_high, leak_flow_reference_low,
     leak_flow_reference_high, leak_day_low, leak_day_high, leak_bound, leak_bound_start, uarl_day,
     computed_at)
VALUES
    (%(site)s, %(sensor)s, %(night)s, %(hour_start)s, %(hour_flow)s, %(hour_pressure)s, %(hour_minutes)s, %(good_minutes)s,
     %(faulty_minutes)s, %(percentile_flow)s, %(percentile_nights)s, %(night_use)s, %(n1)s,
     %(reference_pressure)s, %(leak_flow)s, %(leak_flow_reference)s, %(day_factor)s, %(pressure_hours)s,
     %(leak_day)s, %(planned_minutes)s, %(night_use_by)s, %(night_users)s, %(night_litres)s, %(reference_by)s,
     %(definition)s, %(night_use_low)s, %(night_use_high)s, %(leak_flow_low)s, %(leak_flow_high)s,
     %(leak_flow_reference_low)s, %(leak_flow_reference_high)s, %(leak_day_low)s, %(leak_day_high)s, %(leak_bound)s,
     %(leak_bound_start)s, %(uarl_day)s,
     %(now)s)
ON CONFLICT (site, sensor, night) DO UPDATE
SET hour_start = excluded.hour_start, hour_flow = excluded.hour_flow, hour_pressure = excluded.hour_pressure,
    hour_minutes = excluded.hour_minutes, good_minutes = excluded.good_minutes,
    faulty_minutes = excluded.faulty_minutes, percentile_flow = excluded.percentile_flow,
    percentile_nights = excluded.percentile_nights, night_use = excluded.night_use, n1 = excluded.n1,
    reference_pressure = excluded.reference_pressure, leak_flow = excluded.leak_flow,
    leak_flow_reference = excluded.leak_flow_reference, day_factor = excluded.day_factor,
    pressure_hours = excluded.pressure_hours, leak_day = excluded.leak_day, planned_minutes = excluded.planned_minutes,
    night_use_by = excluded.night_use_by, night_users = excluded.night_users, night_litres = excluded.night_litres,
    reference_by = excluded.reference_by,
    definition = excluded.definition, night_use_low = excluded.night_use_low, night_use_high = excluded.night_use_high,
    leak_flow_low = excluded.leak_flow_low, leak_flow_high = excluded.leak_flow_high,
    leak_flow_reference_low = excluded.leak_flow_reference_low,
    leak_flow_reference_high = excluded.leak_flow_reference_high, leak_day_low = excluded.leak_day_low,
    leak_day_high = excluded.leak_day_high, leak_bound = excluded.leak_bound,
    leak_bound_start = excluded.leak_bound_start, uarl_day = excluded.uarl_day,
    computed_at = excluded.computed_at
-- Deleted rows do not shrink a stored report. Changed exclusions do count.
WHERE excluded.good_minutes + excluded.faulty_minutes + excluded.planned_minutes
      >= stored.good_minutes + stored.faulty_minutes + stored.planned_minutes
