-- Keep what the boxes forecast themselves, as it came with their rows; the first one of an hour stays.
INSERT INTO SITE_PRED_VAL_TB (site, sensor, time, flow, pressure)
SELECT site, sensor, time, pred_flow, pred_pressure FROM arrived WHERE pred_flow <> 0 OR pred_pressure <> 0
ORDER BY site, sensor, time, ctid
ON CONFLICT (site, sensor, time) DO NOTHING
