"""Files of recorded values, as loggers and utilities write them: described, read, and turned into rows."""
