"""Windows, counts and constants shared by `outliers.watch` and `outliers.learn`, each defined once.

A limit is learnt by computing over the archive the same number that the detector computes each minute. With different
windows the limit would belong to a different quantity.
"""

REBUILD_DAYS = 91  # between two builds of criteria: the usual use changes by 15 to 25 % over the year

LEVEL_DAYS = 15  # centred window of the archive's slow level: longer than a week, shorter than a season
SUNDAY = 6  # day of the week that holidays count as
MAD_TO_SD = 1.4826  # median absolute deviation -> standard deviation, for a normal distribution
HOUR_ROWS = 30  # fewest good minutes of an hour that counts

# SYSTEM: spikes
SPIKE_REFERENCE_ROWS = 5  # a spike is measured from the median of this many rows before it
SPIKE_HOLD_ROWS = 3  # a spike is back within this many rows; a fourth makes it a real step
SPIKE_BACK_ROWS = 3  # rows after a spike; their median is the level it returns to
SPIKE_LEAST_LEVEL = 0.25  # of the typical value: the limit falls with the square root of the value down to here

# PREDICT: steps
STEP_FAST_ROWS = 5  # the fast exponential mean is equivalent to this many rows
STEP_BLOCK_ROWS = 5
STEP_WINDOWS = (2, 4, 7)  # blocks of the longer windows; the fast mean is the shortest
STEP_BASE_BLOCKS = 8  # blocks before a window: the level without a step
STEP_CARRY = 0.85  # share of the base's residual that is expected to continue
STEP_LASTING_ROWS = 45  # the height of a lasting step is the mean of this many rows
STEP_LEAST_RATIO = 0.5  # of the level's ratio: limits do not fall further with the flow
STEP_WATCH_MIN = 15  # from the first minute of the step; a draw of many uses at once is over by then
STEP_LASTING_MIN = 52  # from the first minute of the step; flushing a main takes up to about 45

# VALUE: hours, and how long ago a leak may have begun
WATCH_AGE_H = 3  # younger starts are left to PREDICT
LARGE_AGE_H = 3  # large shifts are checked this early
ORDINARY_H = 12  # an ordinary use (a pool, a large customer's shift) ends within this
YOUNGER = 0.5  # of a score: a use that may have started this much later may be over soon
SHORT_H = 48  # younger starts use the short limit
MAX_AGE_H = 16 * 24  # a leak older than this has become part of the level
SURPRISE_CLIP = 3.0  # standard deviations at which an hour's surprise is cut (Huber); beyond, weight is 1/surprise
MEASURE_SHARE = 0.05  # of an hour's variance: meter noise and short draws, gone in the next hour
LEAST_HOUR_SHARE = 0.2  # of each hour's variance: least share of the hour-scale deviation
START_VARIANCE = 0.02**2  # of the level when only the profile is known

# VALUE: the flicker of the flow
FLICKER_WILD = 9.0  # times the usual variance: a larger squared change (a pump, a hydrant) counts as this
FLICKER_COUNT = 2.2  # COUNT / n: squared relative standard error of a variance of n correlated one-minute differences
LEAST_USE = 0.05  # of the mean flow: below, the flicker is meter noise
STEP_GUARD = 4.0  # times the flicker's score: upper bound of the joint score of step and flicker

# NIGHT (its minimum is `common.night`'s)
NIGHTS_KEPT = 24  # a night is compared with the median of this many
NIGHTS_HELD_BACK = 3  # the newest nights are not in the reference: a leak must not become its own reference
LEAST_NIGHTS = 7
NIGHT_PROOF_SHARE = 0.9  # of VALUE's limit: above this the hours support the night
NIGHT_PROOF_H = 24  # and from starts at least this old: by then a pool is full and a pump is back
CREEP_DRIFT = 0.4  # k of the CUSUM, in spreads: half of the shift that matters most
CREEP_CUT = 3.0  # spreads: the most that one extreme night adds to a creep

# Pressure
HEADLOSS = 1.85  # exponent of the flow in the head loss (Hazen-Williams)
SUPPLY_FAST_ROWS = 15  # the exponential mean of the pressure residual is equivalent to this many rows
SUPPLY_HALF_DAY_ROWS = 1439
SUPPLY_DAY_ROWS = 2879

# The scale of the flow meter
SCALE_QUARTER_ROWS, SCALE_LEAST_ROWS = 15, 8  # rows of a quarter of an hour, and the fewest that count
SCALE_WILD = 4.0  # times the usual scatter: a quarter with more (a pump switches) gets less weight
SCALE_BLOCK_MIN = 360
SCALE_WINDOWS = (2, 4, 8, 16, 32)  # blocks: half a day to eight days


def exponential_weight(rows: int) -> float:
    """Weight of the newest row in an exponential mean equivalent to a mean of `rows` rows."""
    return 2.0 / (rows + 1)
