"""A data folder with a log that the log's tests harm, restart and read."""

from pathlib import Path

from log.file import FileLog

GROUPS = ("archive", "server")


class Site:
    """A data folder; `log` is a process's view of it, opened again by `restart`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.path = data / "server_data.txt"
        self._open: list[FileLog] = []
        self.log = self.another()

    def another(self, **limits: int) -> FileLog:
        """The log as another process sees it."""
        limits = {"compact_bytes": 1 << 24, "warn_bytes": 1 << 28} | limits
        self._open.append(FileLog(self.data, GROUPS, **limits))
        return self._open[-1]

    def restart(self, **limits: int) -> FileLog:
        self.close()
        self.log = self.another(**limits)
        return self.log

    def close(self) -> None:
        for log in self._open:
            log.close()
        self._open.clear()

    def consume(self, *names: str) -> None:
        """The groups take in everything and commit it."""
        for name in names:
            group = self.log.group(name)
            while rows := group.poll(100):
                group.commit(rows[-1].offset + 1)
            group.close()

    @property
    def lines(self) -> list[bytes]:
        return self.path.read_bytes().split(b"\n")[:-1]


def rows(first: int, count: int) -> list[str]:
    return [f"row\t{number}" for number in range(first, first + count)]


def texts(log: FileLog, name: str = "server") -> list[tuple[int, str]]:
    """All rows that a group still gets, without a commit."""
    group = log.group(name)
    found = []
    while polled := group.poll(7):
        found += [(row.offset, row.payload) for row in polled]
    group.close()
    return found


def expected(*ranges: range) -> list[tuple[int, str]]:
    return [(number, f"row\t{number}") for numbers in ranges for number in numbers]


def flip(path: Path, byte: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[byte] ^= 1 << bit
    path.write_bytes(bytes(data))  # in place: the same file, as a failing disk would leave it


def line_start(site: Site, number: int) -> int:
    """The byte where a line starts; 0 is the header."""
    return sum(len(line) + 1 for line in site.lines[:number])
