"""Checks the rows of one sensor; called by the producer each minute."""
