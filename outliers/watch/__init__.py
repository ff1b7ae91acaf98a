"""Steps the rows of one sensor: the producer calls it each minute."""
