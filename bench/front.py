"""The claim: hydrolog-server in front of a Kafka cluster costs a small multiple of a bare web server.

Interleaved in one run, over the same kept connections: starlette on uvicorn that only reads the same bodies (the
limit), the same that also produces each line and waits for the acknowledgements, and hydrolog-server, which checks
every row too. Processor time of the server process a batch, since that does not depend on what else runs; and the
clock. KAFKA_NODE or KAFKA_BROKER: a real broker (peers/cluster.py).
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from peers import boxes
from peers.cluster import cluster, cpu_s, load, new_topic
from peers.fronts import bare, front
from rich.console import Console
from rich.table import Table

BOXES = 32  # connections
SIZES = {1: 60, 10: 60, 100: 20, 1000: 5}  # rows of a batch: batches of each box in a round
ROUNDS = 3

BARE, PRODUCING, OURS = "starlette, reads the body", "starlette, and produces its lines", "hydrolog-server"


def measured(pid: int, port: int, rows: int, batches: int) -> tuple[float, float]:
    """Milliseconds of processor, and of the clock, that a batch took."""
    work = [[boxes.request(f"site-{box}", n * rows, rows) for n in range(batches)] for box in range(BOXES)]
    before_s = cpu_s(pid)
    told = boxes.deliver(port, work)
    number = BOXES * batches
    assert told.statuses == {200: number}, told.statuses
    return (cpu_s(pid) - before_s) / number * 1e3, told.seconds / number * 1e3


def main() -> None:
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="hydrolog-bench-")))
        broker = held.enter_context(cluster())
        servers = {
            BARE: held.enter_context(bare()),
            PRODUCING: held.enter_context(bare(broker, new_topic(broker))),
            OURS: held.enter_context(front(broker, new_topic(broker), folder / "data")),
        }
        table = Table(
            "a batch of", "", "CPU ms", "of the first", "clock ms", title="In front of a cluster", title_justify="left"
        )
        for rows, batches in SIZES.items():
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
            for _ in range(ROUNDS):
                for name, (pid, port) in servers.items():
                    found[name].append(measured(pid, port, rows, batches))
            limit = min(found[BARE])[0]
            for name, took in found.items():
                cpu, clock = min(took)[0], min(each[1] for each in took)
                table.add_row(f"{rows:,} rows", name, f"{cpu:.2f}", f"{limit / cpu:.2f}", f"{clock:.2f}")
        Console(width=120).print(table, f"{BOXES} boxes, each with a kept connection; lowest of {ROUNDS}; {load()}")


if __name__ == "__main__":
    main()
