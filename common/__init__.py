"""Code shared by all processes: rows, clock, settings, errors, retry, health, database and the runner."""
