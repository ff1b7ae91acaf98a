"""The consumers: one process a group, each polls the log, makes its rows safe elsewhere, commits."""
