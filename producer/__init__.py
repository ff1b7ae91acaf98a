"""The producer: reads the serial line and appends one row per sensor and minute to the log."""
