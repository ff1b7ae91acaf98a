"""The embedded Postgres of a data folder, run as the only child of the program `hydrolog-database`."""
