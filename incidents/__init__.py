"""Incidents: one trouble at one point, from its first sign to its end, and what people did about it."""
