"""The report of a month: what was lost, what happened, and how well it was watched; as PDF and as a workbook."""
