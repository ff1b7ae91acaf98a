"""Outlier detection: `watch` checks each row, `learn` builds the criteria for it."""
