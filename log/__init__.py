"""The log: one append-only text file that plays Kafka's roles, or a topic on a real cluster."""
