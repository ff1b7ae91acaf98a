"""The log: one append-only text file that plays Kafka's roles."""
