"""Builds criteria from history, in a separate process."""
