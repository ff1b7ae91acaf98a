"""What judging costs: microseconds a row (both channels, all methods), the state's size, a build of criteria.

python bench/detector.py [--days 60]
"""

import argparse
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from outlier_site import RESTLESS_M3H, START, history  # the made-up district of the tests

from outliers.criteria import initial, to_text
from outliers.learn.build import build
from outliers.watch.detector import Detector

LEARN_DAYS = 182
ZONE = ZoneInfo("Asia/Seoul")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--days", type=int, default=60, help="days to judge (60)")
    days = parser.parse_args().days
    began = time.perf_counter()
    criteria = replace(build(history(LEARN_DAYS, restless=RESTLESS_M3H), ZONE, initial("001")), version=1)
    built = time.perf_counter() - began
    rows = history(days, seed=2, first=START + LEARN_DAYS * 1440, restless=RESTLESS_M3H)
    flows, pressures = rows.flow.tolist(), rows.pressure.tolist()
    detector = Detector("001", criteria, ZONE)
    began = time.perf_counter()
    for place, flow in enumerate(flows):
        detector.step(rows.first + place, flow, pressures[place])
    spent = time.perf_counter() - began
    print(f"criteria from {LEARN_DAYS} days   {built:6.2f} s")
    print(f"criteria as text        {len(to_text(criteria)) / 1000:6.1f} kB")
    print(f"a row, all methods      {spent / len(flows) * 1e6:6.2f} us")
    print(f"state                   {len(msgspec.json.encode(detector.state())) / 1000:6.1f} kB")
    print(f"peak memory, with numpy {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:6.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
