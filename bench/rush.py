"""The claim: ten thousand boxes that come in the same second are all served within a minute, by one front.

Each box opens a connection of its own and delivers ten rows; one that is put off (503, 429) comes again after the time
it was told, as a box does. Boxes, front and broker share this machine. Processor time of each beside the clock, since
the clock says little while anything else runs. KAFKA_NODE or KAFKA_BROKER: a real broker (peers/cluster.py).
"""

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from peers import boxes
from peers.cluster import cluster, cpu_s, load, new_topic
from peers.fronts import front

BOXES, ROWS = 10_000, 10


def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    number = int(sys.argv[1]) if sys.argv[1:] else BOXES if hard < 0 else min(BOXES, hard // 2)
    work = [[boxes.request(f"site-{box}", 0, ROWS)] for box in range(number)]
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-") as folder, cluster() as broker:
        topic = new_topic(broker)
        with front(broker, topic, Path(folder) / "data") as (pid, port):
            mine_s, front_s = time.process_time(), cpu_s(pid)
            told = boxes.deliver(port, work)
            mine_s, front_s = time.process_time() - mine_s, cpu_s(pid) - front_s
            peak = _peak_mb(pid)
    waits = sorted(told.waits_s)
    print(f"{number:,} boxes, {ROWS} rows each: {told.seconds:.1f} s by the clock until the last one was served")
    print(f"processor: front {front_s:.1f} s ({front_s / number * 1e3:.2f} ms a box), boxes {mine_s:.1f} s")
    print(f"from a box's first byte to its answer: {statistics.median(waits):.1f} s, the longest {waits[-1]:.1f} s")
    often = ", ".join(f"{count:,} boxes {times} times" for times, count in sorted(told.put_off.items()))
    print(f"answers: {dict(told.statuses)}; put off: {often}; front: {peak:.0f} MB")
    print(load())


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    main()
