"""The consumers: one process per group. Each polls the log, stores or sends the rows, and commits."""
