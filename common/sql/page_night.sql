-- The ten-minute means of one night at one sensor.
SELECT extract(epoch FROM time)::bigint, flow, pressure, minutes, complete
FROM NIGHT_FLOW_VAL_TB WHERE site = %(site)s AND sensor = %(sensor)s AND time >= %(from)s AND time < %(to)s ORDER BY time
