"""The group `alerts`: what was raised and cleared, told once to those who asked to hear of it."""
