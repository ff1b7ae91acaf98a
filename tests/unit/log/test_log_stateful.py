"""The log against a simple model: whatever happens in whatever order, no undamaged row is lost, no offset given twice.

The model is a dictionary of the rows that were acknowledged. Everything a site can suffer is a rule: two producers,
restarts, torn tails, flipped bits, lost state files, resets.
"""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from common.folder import GROUPS_FOLDER, LOG_ID_FILE
from log import commits, mark
from log.file import FileLog
from log.format import format_lines, parse_line
from log.group import FileGroup
from log.mark import Mark

LISTED = ("archive", "server")
GROUPS = (*LISTED, "guest")
MEMORY = Path("/dev/shm")


class LogMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.data = Path(self.folder.name)
        self.path = self.data / "server_data.txt"
        self.rows: dict[int, str] = {}  # acknowledged and not damaged
        self.wanted = dict.fromkeys(GROUPS, 0)  # the next offset that a group has not been given
        self.next = 0  # above every offset that was ever given
        self.open()
        self.log_id = self.logs[0].log_id

    def open(self) -> None:
        self.logs = [FileLog(self.data, LISTED, compact_bytes=200, warn_bytes=1 << 30) for _ in range(2)]
        self.groups: dict[str, FileGroup] = {name: self.logs[n % 2].group(name) for n, name in enumerate(GROUPS)}
        for name, group in self.groups.items():
            self.wanted[name] = min(self.wanted[name], group.position)

    def close(self) -> None:
        for group in self.groups.values():
            group.close()
        for log in self.logs:
            log.close()

    # --- what a site does

    @rule(producer=st.integers(0, 1), count=st.integers(1, 6))
    def append(self, producer: int, count: int) -> None:
        texts = [f"row\t{self.next}+{n}" for n in range(count)]
        first = self.logs[producer].append(texts)
        assert first >= self.next, "an offset was given twice"
        self.rows |= {first + n: text for n, text in enumerate(texts)}
        self.next = first + count

    @rule(name=st.sampled_from(GROUPS), most=st.integers(1, 8))
    def poll(self, name: str, most: int) -> None:
        for offset, payload in self.groups[name].poll(most):
            assert offset >= self.wanted[name], "out of order"
            assert self.rows.get(offset) == payload, "a row that nobody appended"
            skipped = [number for number in range(self.wanted[name], offset) if number in self.rows]
            assert not skipped or name not in LISTED, f"rows skipped: {skipped}"
            self.wanted[name] = offset + 1

    @rule(name=st.sampled_from(GROUPS), back=st.integers(0, 3))
    def commit(self, name: str, back: int) -> None:
        group = self.groups[name]
        group.commit(max(group.position - back, 0))

    @rule(producer=st.integers(0, 1))
    def trim(self, producer: int) -> None:
        log = self.logs[producer]
        lowest = min(commits.read(self.data, name) or 0 for name in LISTED)
        log.trim()
        assert log.base_offset <= max(lowest, self.next)

    @rule()
    def publish_mark(self) -> None:
        mark.store(self.data, Mark(28_000_000, self.logs[0].end_offset, self.log_id))

    # --- what happens to it

    @rule()
    def crash(self) -> None:
        self.close()
        self.open()
        assert self.logs[0].log_id == self.log_id

    @rule(cut=st.integers(2, 12), kind=st.sampled_from(["half a row", "zeros", "junk"]))
    def torn_tail(self, cut: int, kind: str) -> None:
        half = format_lines(self.next, [b"row\tnever"])[:-cut]
        junk = {"half a row": half, "zeros": bytes(100 * cut), "junk": b"\xa5" * cut}[kind]
        with self.path.open("ab") as file:
            file.write(junk)

    @rule(data=st.data())
    @precondition(lambda self: b"\n" in self.path.read_bytes())  # it may have been the bit of the only line break
    def flip_a_bit(self, data: st.DataObject) -> None:
        raw = bytearray(self.path.read_bytes())
        lines = bytes(raw).split(b"\n")[:-1]
        number = data.draw(st.integers(0, len(lines) - 1))
        row = parse_line(lines[number])
        if row is None and number > 0:
            return  # one fault a line
        start = sum(len(line) + 1 for line in lines[:number])
        length = len(lines[number])
        sound_after = number + 1 == len(lines) or parse_line(lines[number + 1])
        place = data.draw(st.integers(0, length if sound_after and raw[-1] == ord("\n") else length - 1))
        raw[start + place] ^= 1 << data.draw(st.integers(0, 7))
        if row is not None and place < length:
            del self.rows[row.offset]
        self.path.write_bytes(raw)

    @rule(name=st.sampled_from(LISTED), harm=st.sampled_from(["missing", "damaged"]))
    def lose_a_commit(self, name: str, harm: str) -> None:
        self.close()
        path = self.data / GROUPS_FOLDER / name
        path.unlink() if harm == "missing" else path.write_bytes(b"?" * 128)
        self.open()

    @rule()
    @precondition(lambda self: self.path.read_bytes().startswith(b"# hydrolog"))
    def lose_the_identity(self) -> None:
        self.crash()  # a damaged header is mended first: the id must be somewhere
        (self.data / LOG_ID_FILE).unlink()
        self.crash()

    def teardown(self) -> None:
        """Nobody is stuck: every group gets all that is left, the file is reset and goes on."""
        if not hasattr(self, "logs"):
            return
        self.append(0, 1)
        for name, group in self.groups.items():
            for _ in range(len(self.rows) + 2):
                self.poll(name, 8)
                group.commit(group.position)
            left = [number for number in self.rows if number >= self.wanted[name]]
            assert not left, f"{name} never got {left}"
        self.publish_mark()
        self.logs[1].trim()
        assert self.path.read_bytes().count(b"\n") == 1, "the file was not reset"
        self.append(1, 1)
        self.poll("server", 8)
        assert self.wanted["server"] == self.next
        assert not (self.data / "server_data.txt.new").exists()
        self.close()
        self.folder.cleanup()


TestLog = LogMachine.TestCase
TestLog.settings = settings(
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
)
