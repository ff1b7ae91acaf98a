"""The power of a whole box is cut ten times; `make soak-power` does it two hundred times."""

import os
import random
from pathlib import Path

import power_cuts

PATIENCE_S = 300.0  # never reached, however busy the machine is


def test_a_box_comes_back_from_every_power_cut_with_every_row(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    found = power_cuts.run(tmp_path, 10, seed, PATIENCE_S)
    assert found["cuts"] > 10 and found["rows on disk"] > 50
    assert {name: found[name] for name in power_cuts.MUST_BE_ZERO} == dict.fromkeys(power_cuts.MUST_BE_ZERO, 0), seed
