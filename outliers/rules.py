"""What the watching and the learning of outliers must agree on: each number stands here, once."""

REBUILD_DAYS = 91  # between two versions of a sensor's criteria: a season moves the usual use by 15 to 25 % a year
