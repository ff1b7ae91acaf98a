"""The producer: the serial line in, one row a sensor-minute into the log."""
