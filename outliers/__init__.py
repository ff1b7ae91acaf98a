"""Outliers: what is flagged and why; `watch` steps the rows, `learn` builds the criteria that it judges by."""
