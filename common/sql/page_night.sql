-- The ten-minute means of one night at one sensor.
SELECT extract(epoch FROM time)::bigint, flow, pressure, minutes, complete
FROM NIGHT_FLOW_VAL_TB WHERE sensor = %(sensor)s AND time >= %(from)s AND time < %(to)s ORDER BY time
