"""What every process shares: the row, the log, the clock, settings, errors and the runner."""
