"""Builds criteria from a history, in a process of its own."""
