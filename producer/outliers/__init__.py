"""Outliers: one object a sensor that judges each closed minute. See `detector.py`."""
