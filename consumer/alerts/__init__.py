"""The group `alerts`: sends each raised or cleared finding once to the configured addresses."""
