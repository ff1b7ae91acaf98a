"""The claim: a durable append costs what the disk costs, and the log stays as fast with a million rows waiting.

Everything is interleaved: one operation of each in turn, and each ratio is to the raw limit (one write and one
fdatasync of the same bytes, ready before the clock starts) of the same rounds. Ends within two or three minutes.
"""

import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.queues import Queue as Answers
from pathlib import Path
from typing import Any

from peers import queues
from peers.queues import AckQueue, Hydrolog, Legacy, LiteQueue, RawBytes, RawTake, SqliteWal

ROW = "2024-08-26T16:33:00+09:00\t001\t8.02\t4.11\t60\t0000\t000"
ROUNDS = {1: 300, 10: 200, 1000: 40}
IN_A_ROW = 10  # operations of one peer, so that each finds its own caches warm
BACKLOG = 20_000
TAKES = {10: 10, 1000: 3}
PRODUCERS = 4
RUN_S = 3.0
WAITING = 1_000_000


def timed(work: Any, *arguments: Any) -> float:
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def tenth(times: Sequence[float]) -> float:
    """The value that a tenth of the times stay below."""
    return sorted(times)[len(times) // 10]


def appends(folder: Path) -> None:
    """Each operation of a peer stands beside one of the raw limit, before it or after it in turn."""
    print("Durable append: microseconds, and times the raw limit beside it (lowest tenths: a busy core makes any")
    print("sync wait for the scheduler's tick, 4 ms, and says nothing about the queue)\n")
    print(f"{'':32}" + "".join(f"{f'{count} rows':>22}" for count in ROUNDS))
    raw = RawBytes(folder)
    peers = {peer.name: peer(folder) for peer in queues.available()}
    took: dict[tuple[str, int], list[tuple[float, float]]] = {(name, count): [] for name in peers for count in ROUNDS}
    for count, rounds in ROUNDS.items():
        rows = [ROW] * count
        for number in range(rounds // IN_A_ROW):
            names = list(peers)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                slow = count == 1000 and name in (AckQueue.name, queues.JetStream.name)
                for turn in range(1 if slow else IN_A_ROW):
                    pair = [
                        timed(queue.append, rows) for queue in ((peers[name], raw) if turn % 2 else (raw, peers[name]))
                    ]
                    took[name, count].append((pair[0], pair[1]) if turn % 2 else (pair[1], pair[0]))
    limit = {count: [pair[1] for name in peers for pair in took[name, count]] for count in ROUNDS}
    print(f"{RawBytes.name:32}" + "".join(f"{tenth(limit[count]) * 1e6:13,.0f}    1.00x" for count in ROUNDS))
    for name in peers:
        cells = []
        for count in ROUNDS:
            mine, beside = (tenth(side) for side in zip(*took[name, count], strict=True))
            cells.append(f"{mine * 1e6:,.0f} {mine / beside:8.2f}x")
        print(f"{name:32}" + "".join(f"{cell:>22}" for cell in cells))
    print("\nWhat each guarantees:")
    for peer in [RawBytes, *queues.available()]:
        print(f"  {peer.name:32}{peer.promises}")
    for queue in [raw, *peers.values()]:
        queue.close()


def own_cost(folder: Path) -> None:
    """Processor time: there is no waiting in it, so it holds on a busy machine too."""
    raw, log = RawBytes(folder), Hydrolog(folder)
    print("Processor time of a durable append, microseconds (median)\n")
    print(f"{'':32}" + "".join(f"{f'{count} rows':>12}" for count in ROUNDS))
    spent: dict[str, list[float]] = {raw.name: [], log.name: []}
    for count in ROUNDS:
        rows = [ROW] * count
        times: dict[str, list[float]] = {raw.name: [], log.name: []}
        for _ in range(200 if count < 1000 else 50):
            for queue in (raw, log):
                before = time.thread_time()
                queue.append(rows)
                times[queue.name].append(time.thread_time() - before)
        for name, took in times.items():
            spent[name].append(statistics.median(took))
    for name, took in spent.items():
        print(f"{name:32}" + "".join(f"{each * 1e6:12,.0f}" for each in took))
    print()
    raw.close()
    log.close()


def takes(folder: Path) -> None:
    print(f"\nPoll + commit, microseconds a batch (lowest tenth), {BACKLOG:,} rows waiting\n")
    peers: dict[str, Any] = {
        peer.name: peer(folder)
        for peer in (RawTake, *queues.available())
        if peer in (RawTake, Hydrolog, SqliteWal, AckQueue, LiteQueue, queues.JetStream)
    }
    for name, peer in peers.items():
        for _ in range((5_000 if name == queues.JetStream.name else BACKLOG) // 1000):
            peer.append([ROW] * 1000)
    took: dict[str, dict[int, list[float]]] = {name: {count: [] for count in TAKES} for name in peers}
    for count, rounds in TAKES.items():
        for _ in range(rounds):
            for name, peer in peers.items():
                slow = count == 1000 and name in (AckQueue.name, LiteQueue.name, queues.JetStream.name)
                for _ in range(1 if slow else IN_A_ROW // 2):
                    took[name][count].append(timed(peer.take, count))
    print(f"{'':32}" + "".join(f"{f'{count} rows':>12}{'of ours':>10}" for count in TAKES))
    for name in peers:
        cells = []
        for count in TAKES:
            mine, ours = tenth(took[name][count]), tenth(took[Hydrolog.name][count])
            cells.append(f"{mine * 1e6:12,.0f}{mine / ours:9.2f}x")
        print(f"{name:32}" + "".join(cells))
    print("\npersist-queue syncs twice a row and litequeue once: neither takes a batch. The limit: one read, one sync")
    for peer in peers.values():
        peer.close()


def _produce(kind: Any, folder: Path, start_s: float, answers: "Answers[Any]") -> None:
    queue = kind(folder)
    count, waits = 0, []
    while time.time() < start_s:
        time.sleep(0.001)
    until = time.perf_counter() + RUN_S
    while (before := time.perf_counter()) < until:
        queue.append([ROW])
        waits.append(time.perf_counter() - before)
        count += 1
    answers.put(("producer", count, max(waits), sorted(waits)[len(waits) * 99 // 100]))


def _consume(kind: Any, folder: Path, start_s: float, answers: "Answers[Any]") -> None:
    queue = kind(folder)
    got = 0
    until = start_s + RUN_S + 1.5
    while time.time() < until:
        if count := queue.take(1000):
            got += count
        else:
            time.sleep(0.002)
    answers.put(("consumer", got, 0.0, 0.0))


def four_producers(folder: Path) -> None:
    print(f"\nFour producer processes and one consumer, one row an append, {RUN_S:g} s each\n")
    raw = RawBytes(folder)
    print(f"{'':32}{'rows/s':>10}{'of raw':>9}{'fairness':>10}{'p99 ms':>9}{'worst ms':>10}{'lost':>7}")
    context = multiprocessing.get_context("spawn")
    for kind in (Hydrolog, SqliteWal, LiteQueue, AckQueue, Legacy):
        if kind not in queues.available():
            continue
        here = folder / kind.__name__
        here.mkdir()
        kind(here).close()  # the tables are made by one
        alone = [timed(raw.append, [ROW]) for _ in range(300)]
        answers: Any = context.Queue()
        start_s = time.time() + 1.5
        jobs = [context.Process(target=_produce, args=(kind, here, start_s, answers)) for _ in range(PRODUCERS)]
        jobs.append(context.Process(target=_consume, args=(kind, here, start_s, answers)))
        for job in jobs:
            job.start()
        said = [answers.get(timeout=60) for _ in jobs]
        for job in jobs:
            job.join()
        alone += [timed(raw.append, [ROW]) for _ in range(300)]
        counts = [answer[1] for answer in said if answer[0] == "producer"]
        got = sum(answer[1] for answer in said if answer[0] == "consumer")
        rest = kind(here)
        while kind is not AckQueue and (more := rest.take(1000)):
            got += more
        rest.close()
        lost = f"{max(sum(counts) - got, 0)}" if kind is not AckQueue else "-"
        rate = sum(counts) / RUN_S
        print(
            f"{kind.name:32}{rate:10,.0f}{rate * tenth(alone):8.2f}x{min(counts) / max(counts):10.2f}"
            f"{max(a[3] for a in said) * 1e3:9.1f}{max(a[2] for a in said) * 1e3:10.1f}{lost:>7}"
        )
    raw.close()


def a_million_waiting(folder: Path) -> None:
    empty, full = Hydrolog(folder / "empty"), Hydrolog(folder / "full")
    for _ in range(WAITING // 10_000):
        full.append([ROW] * 10_000)
    empty.append([ROW] * 6_000)
    full.close()
    full = Hydrolog(folder / "full")
    group = full.log.group("server")
    ratios: dict[str, Sequence[float]] = {}
    pairs = [(timed(full.append, [ROW]), timed(empty.append, [ROW])) for _ in range(200)]
    ratios["append 1 row"] = [a / b for a, b in zip(*[sorted(side) for side in zip(*pairs, strict=True)], strict=True)]
    full.take(10), empty.take(10)
    pairs = [(timed(full.take, 10), timed(empty.take, 10)) for _ in range(200)]
    ratios["poll + commit 10 rows"] = [
        a / b for a, b in zip(*[sorted(s) for s in zip(*pairs, strict=True)], strict=True)
    ]
    print(f"\n{WAITING:,} rows waiting, against a nearly empty log")
    for what, found in ratios.items():
        print(f"  {what:24}{statistics.median(found):6.2f}x")
    resident = _resident_kib()
    peak, drained = resident, 0
    started = time.perf_counter()
    group.seek(group.committed)
    while rows := group.poll(1000):
        drained += len(rows)
        group.commit(rows[-1].offset + 1)
        if drained % 50_000 < 1000:
            peak = max(peak, _resident_kib())
    took_s = time.perf_counter() - started
    print(f"  drained {drained / took_s:,.0f} rows/s; memory grew by {(peak - resident) / 1024:.1f} MiB")
    for log in (empty, full):
        log.close()


def _resident_kib() -> int:
    text = Path("/proc/self/statm").read_text().split()
    return int(text[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> int:
    parts = {"cost": own_cost, "appends": appends, "takes": takes, "four": four_producers, "million": a_million_waiting}
    chosen = sys.argv[1:] or list(parts)
    started = time.monotonic()
    for name in chosen:
        with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:  # the disk, not a file in memory
            parts[name](Path(folder))
    print(f"\n{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
