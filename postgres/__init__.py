"""The embedded Postgres of a data folder: one more program of the group, whose only child it is."""
