"""A backup of a running box, and the box that comes back from it: nothing is lost, and nothing comes twice."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import SEOUL, hydrolog, row
from database_site import ready, start
from incident_site import ID, leak
from incident_site import file as file_incidents
from receiver_process import TOKEN, ReceiverProcess

from cli import backup, backup_database, backup_file, restore
from cli.backup_file import BackupDamaged, Manifest
from common import database, schema
from common.clock import minute_of
from common.errors import HydrologError
from common.folder import POSTGRES_URL_FILE
from common.row import format_payload
from common.settings import load
from incidents import acts, reading
from incidents.acts import Do
from log import commits, identity, mark
from log.roles import open_for

FIRST = minute_of(datetime(2024, 8, 26, 16, 0, tzinfo=SEOUL))
DEADLINE_S = 180.0
NOBODY = "http://127.0.0.1:9/v1/batches"


class Box:
    """A data folder with settings in a file; `url` is its own database, or empty."""

    def __init__(self, home: Path, url: str, server: str = "") -> None:
        home.mkdir()
        self.data, self.config = home / "data", home / "hydrolog.toml"
        self.config.write_text(
            f'[paths]\ndata = "data"\n[database]\nurl = "{url}"\n[server]\nurl = "{server}"\n'
            '[log]\ngroups = ["archive", "server"]\n[night]\nstart = "21:00"\n'
        )

    def append(self, first: int, count: int) -> str:
        """Rows of the minutes from `first` on; the log's id."""
        log = open_for(load(self.config))
        try:
            log.append([format_payload(row(FIRST + minute), SEOUL) for minute in range(first, first + count)])
            known = mark.Mark(FIRST + first + count - 1, log.end_offset, log.log_id, {"001": FIRST + first + count - 1})
            mark.store(self.data, known)
            return log.log_id
        finally:
            log.close()

    def consume(self, group: str, **keys: str) -> None:
        environ = os.environ | {"HYDROLOG_CONFIG": str(self.config), "HYDROLOG_SERVER__TOKEN": TOKEN}
        environ |= {f"HYDROLOG_{key}": value for key, value in keys.items()}
        command = [sys.executable, "-P", "-m", "consumer", "--group", group, "--once"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert "Traceback" not in done.stdout + done.stderr

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return hydrolog(*arguments, "--config", str(self.config))


def query(url: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(text.encode()).fetchall()


@pytest.fixture
def receiver(tmp_path: Path, empty_url: str) -> Iterator[ReceiverProcess]:
    database.update_schema(empty_url, "site-1")
    (tmp_path / "receiver").mkdir()
    process = ReceiverProcess(tmp_path / "receiver", empty_url)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def old(tmp_path: Path, database_url: str) -> Box:
    """Rows 0 to 19 are delivered, 20 to 39 frozen and in the database, 40 to 44 only in the log."""
    box = Box(tmp_path / "old", database_url)
    box.data.mkdir()
    box.run("sensors", "add", "001")
    return box


@contextmanager
def embedded(data: Path) -> Iterator[str]:
    with start(data) as process:
        ready(data)
        yield (data / POSTGRES_URL_FILE).read_text().strip()
        process.terminate()
        process.communicate(timeout=DEADLINE_S)


def test_another_box_goes_on_and_no_row_is_lost_or_repeated(
    old: Box, receiver: ReceiverProcess, tmp_path: Path, empty_url: str
) -> None:
    server = f"http://127.0.0.1:{receiver.port}/v1/batches"
    old_id = old.append(0, 20)
    old.consume("archive")
    old.consume("server", SERVER__URL=server)
    old.append(20, 20)
    file_incidents(old.data, leak())
    acts.append(old.data, acts.new(ID, "Kim", datetime.now(UTC), Do.NOTE, text="누수?"))
    old.consume("archive")
    old.consume("server", SERVER__URL=NOBODY)
    assert (old.data / "outbox.tsv").exists()
    old.append(40, 5)
    (old.data / "criteria").mkdir()
    (old.data / "criteria" / "001.v0001.json").write_text("{}")
    file = tmp_path / "box.hydrolog"
    done = old.run("backup", str(file))
    assert done.returncode == 0, done.stderr
    old.append(45, 5)  # it goes on for a while, delivers everything, and burns down
    old.consume("server", SERVER__URL=server)

    new = Box(tmp_path / "new", "", server)
    done = new.run("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert identity.load(new.data) == identity.Identity(old_id, restore.ANOTHER_MACHINE)  # even in the same folder
    new_id = new.append(60, 10)
    assert new_id != old_id
    with embedded(new.data) as url:
        for _ in range(2):
            new.consume("archive")
            new.consume("server")
        assert query(url, "SELECT sensor FROM SENSOR_TB") == [("001",)]
        assert query(url, "SELECT id, stage FROM INCIDENT_TB") == [(ID, "open")]
        assert query(url, "SELECT incident, text FROM INCIDENT_ACT_TB") == [(ID, "누수?")]
        stored = query(url, "SELECT log_id, log_offset FROM REAL_VAL_TB ORDER BY time")
    assert stored == [(old_id, offset) for offset in range(45)] + [(new_id, offset) for offset in range(45, 55)]
    arrived = query(empty_url, "SELECT log_id, log_offset, time FROM REAL_VAL_TB ORDER BY time")
    assert [found[:2] for found in arrived] == [
        *((old_id, offset) for offset in range(50)),
        *((new_id, offset) for offset in range(45, 55)),
    ]
    assert len({time for _, _, time in arrived}) == 60
    assert commits.read(new.data, "server") == commits.read(new.data, "archive") == 55
    assert (new.data / "criteria" / "001.v0001.json").read_text() == "{}"
    ((incident, state),) = reading.load(new.data, FIRST).known
    assert (incident, [act.text for act in state.acts]) == (leak(), ["누수?"])
    kept = (new.data / restore.SETTINGS_OF_BACKUP).read_text()
    assert 'start = "21:00"' in kept
    assert "url = a secret" in kept


def test_the_next_box_may_be_restored_over_and_over(old: Box, tmp_path: Path) -> None:
    """A backup of a restored box, before it has sent what came along: three ids in one log."""
    ids, box = [old.append(0, 5)], old
    old.consume("archive")
    for number in (1, 2):
        file = tmp_path / f"{number}.hydrolog"
        with embedded(box.data) if number > 1 else memoryview(b""):
            assert box.run("backup", str(file)).returncode == 0
        box = Box(tmp_path / str(number), "")
        assert box.run("restore", str(file)).returncode == 0
        ids.append(box.append(10 * number, 5))
    log = open_for(load(box.config))
    assert [log.id_of(offset) for offset in range(15)] == [each for each in ids for _ in range(5)]
    assert [record.offset for record in log.read(0, 99)] == list(range(15))
    log.close()


def test_rows_come_in_and_go_out_while_it_is_written(old: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens between two of its steps, no commit in it is ahead of its rows."""
    add = backup_file.BackupWriter.add
    steps = iter(range(0, 10_000, 10))

    def adding(writer: Any, name: str, *content: Any) -> None:
        add(writer, name, *content)
        old.append(next(steps), 10)
        log = open_for(load(old.config))
        for group in ("archive", "server"):
            reader = log.group(group)
            while reader.poll(100):
                pass
            reader.commit(reader.position)
            reader.close()
        log.trim()
        log.close()

    old.append(next(steps), 10)
    monkeypatch.setattr(backup_file.BackupWriter, "add", adding)
    file = tmp_path / "box.hydrolog"
    assert backup.run([str(file), "--config", str(old.config)]) == 0
    monkeypatch.undo()
    found = backup_file.verify(file)
    assert found.groups["server"] >= found.log_base
    new = Box(tmp_path / "new", "")
    assert new.run("restore", str(file)).returncode == 0
    log = open_for(load(new.config))
    offsets = [record.offset for record in log.read(0, 9999)]
    assert offsets == list(range(found.log_base, found.log_base + len(offsets)))
    log.close()


@pytest.fixture
def made(old: Box, tmp_path: Path) -> Path:
    old.append(0, 500)
    old.consume("archive")
    file = tmp_path / "box.hydrolog"
    assert old.run("backup", str(file)).returncode == 0
    return file


def refused(box: Box, file: Path, word: str, *options: str) -> None:
    done = box.run("restore", str(file), *options)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert word in done.stderr
    assert not box.data.exists()
    assert not box.data.with_name("data.restoring").exists()


def unpacked(packed: bytes) -> bytes | None:
    try:
        return gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):
        return None


def test_a_damaged_file_changes_nothing(made: Path, tmp_path: Path) -> None:
    new, whole = Box(tmp_path / "new", ""), made.read_bytes()
    made.write_bytes(b"")
    refused(new, made, "empty file")
    made.write_bytes(whole[: len(whole) // 2])
    refused(new, made, "damaged")
    for place in range(0, len(whole), max(1, len(whole) // 150)):  # in process: each is read whole
        harmed = whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :]
        made.write_bytes(harmed)
        if unpacked(harmed) != unpacked(whole):  # some bits of a packed file mean nothing
            with pytest.raises(BackupDamaged):
                backup_file.verify(made)
    for place in range(0, len(whole), max(1, len(whole) // 50)):
        made.write_bytes(whole[:place])
        with pytest.raises(BackupDamaged):
            backup_file.verify(made)
    made.unlink()
    refused(new, made, "No such file")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (lambda name, _: name != backup_file.SUMS, "cut short"),
        (lambda name, _: not name.startswith("log/"), "checksums are wrong"),
        (
            lambda name, text: text.replace(b"21:00", b"22:00") if name.endswith(".toml") else True,
            "checksums are wrong",
        ),
    ],
)
def test_members_that_are_missing_or_changed_are_found(
    made: Path, tmp_path: Path, changed: Callable[[str, bytes], bytes | bool], word: str
) -> None:
    """In a file that is packed as it should be."""
    other = tmp_path / "other.hydrolog"
    with tarfile.open(made) as source, tarfile.open(other, "w:gz") as target:
        for member in source:
            content = source.extractfile(member)
            assert content
            text = content.read()
            if kept := changed(member.name, text):
                target.addfile(member, io.BytesIO(text if kept is True else kept))
    with pytest.raises(BackupDamaged, match=word):
        backup_file.verify(other)


@pytest.mark.parametrize(
    "name",
    [
        *("data/../../evil", "/etc/evil", "data/.ssh/key", "data//x", "elsewhere", "link"),
        # The settings of a database, whose commands its server would run; a key that somebody knows.
        *("data/postgres/PG_VERSION", "data/postgres.before/x", "data/session.key", "data/certificate/key.pem"),
        *("data/groups/server", "data/server_data.txt", "data/roles/producer"),
    ],
)
def test_a_file_of_somebody_else_writes_nowhere(tmp_path: Path, name: str) -> None:
    file = tmp_path / "box.hydrolog"
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo("data/x" if name == "link" else name)
        if name == "link":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    refused(Box(tmp_path / "new", ""), file, "not a backup of hydrolog")


@pytest.mark.parametrize(
    "wrong",
    [{"log_id": "a\tb"}, {"log_base": -1}, {"groups": {"server": 10**18}}, {"groups": {"../x": 1}}, {"site": None}],
)
def test_a_manifest_of_somebody_else_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Its sums are right."""
    file = tmp_path / "box.hydrolog"
    sound = {"format": 1, "version": "0.2.0", "made_at": "", "site": "site-1"}
    with tarfile.open(file, "w:gz") as archive:
        manifest = json.dumps(sound | wrong).encode()
        sums = f"{hashlib.sha256(manifest).hexdigest()}  {backup_file.MANIFEST}\n".encode()
        for name, text in ((backup_file.MANIFEST, manifest), (backup_file.SUMS, sums)):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    with pytest.raises(BackupDamaged, match="cannot be understood"):
        backup_file.verify(file)


@pytest.mark.parametrize("header", [{"GNU.sparse.size": "x", "GNU.sparse.map": "0,1"}, {"size": "-9"}, {"size": "x"}])
def test_a_header_that_is_no_header_is_damage(tmp_path: Path, header: dict[str, str]) -> None:
    file = tmp_path / "box.hydrolog"
    with tarfile.open(file, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("data/x")
        member.pax_headers = header
        archive.addfile(member)
    with pytest.raises(BackupDamaged):
        backup_file.verify(file)


def test_what_is_there_is_never_overwritten(made: Path, tmp_path: Path, old: Box) -> None:
    whole = made.read_bytes()
    done = old.run("backup", str(made))
    assert (done.returncode, made.read_bytes() == whole) == (1, True)
    assert "is there already" in done.stderr
    done = old.run("restore", str(made))
    assert done.returncode == 1
    assert "is not empty: stop hydrolog and move it away" in done.stderr
    new = Box(tmp_path / "new", load(old.config).database.url)
    refused(new, made, "--keep-database")
    assert new.run("restore", str(made), "--keep-database").returncode == 0
    assert query(load(old.config).database.url, "SELECT count(*) FROM REAL_VAL_TB") == [(500,)]


def test_a_backup_of_another_site_is_refused(made: Path, tmp_path: Path) -> None:
    new = Box(tmp_path / "new", "")
    new.config.write_text(new.config.read_text() + '[site]\nid = "site-2"\n')
    refused(new, made, "is of site site-1")


def test_it_goes_back_into_a_database_of_its_own(made: Path, tmp_path: Path, empty_url: str) -> None:
    new = Box(tmp_path / "new", empty_url)
    done = new.run("restore", str(made))
    assert done.returncode == 0, done.stderr
    assert query(empty_url, "SELECT count(*), max(log_offset) FROM REAL_VAL_TB") == [(500, 499)]
    assert query(empty_url, "SELECT sensor FROM SENSOR_TB") == [("001",)]


def test_no_room_and_no_database_leave_nothing_half_written(
    old: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.append(0, 5)
    place = tmp_path / "stick"
    place.mkdir()
    arguments = [str(place / "box.hydrolog"), "--config", str(old.config)]
    with monkeypatch.context() as patch, pytest.raises(HydrologError, match="No space left on device"):
        patch.setattr(backup, "copy_out", _full)
        backup.run(arguments)
    with monkeypatch.context() as patch, pytest.raises(HydrologError, match="no room would be left"):
        patch.setattr("cli.whole_file.KEPT_BYTES", 2**62)
        patch.setattr("cli.whole_file.KEPT_SHARE", 1)
        backup.run(arguments)
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", "postgresql://hydrolog:geheim@127.0.0.1:9/water")
    with pytest.raises(HydrologError, match="does not answer") as down:
        backup.run(arguments)
    assert "geheim" not in str(down.value)
    monkeypatch.delenv("HYDROLOG_DATABASE__URL")
    with pytest.raises(HydrologError, match="own data folder"):
        backup.run([str(old.data / "box.hydrolog"), *arguments[1:]])
    assert list(place.iterdir()) == []


def _full(_connection: object, writer: backup_file.BackupWriter) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        for _ in range(2):
            writer.add("data/x", b"x")
            full.write(b"x")


def test_its_sums_are_those_that_sha256sum_checks_and_nobody_else_can_read_it(made: Path, tmp_path: Path) -> None:
    assert made.stat().st_mode & 0o777 == 0o600
    with tarfile.open(made) as archive:
        archive.extractall(tmp_path / "x", filter="data")
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path / "x", check=True)
    held = json.loads((tmp_path / "x" / "backup.json").read_text())
    assert (held["site"], held["tables"]["real_val_202408"]["rows"]) == ("site-1", 500)
    assert Manifest(**held).format == 1


def test_the_tables_are_of_a_kind_that_a_backup_knows(database_url: str) -> None:
    """Each is copied; none counts in a sequence, whose position a restore would have to set."""
    there = query(database_url, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 2200")
    assert {name for (name,) in there} == {*schema.tables(), "schema_tb"}
    assert query(database_url, "SELECT * FROM pg_sequences") == []


def test_rows_of_a_backup_from_before_rows_had_a_site_get_it(database_url: str) -> None:
    pieces = {
        "sensor_tb": (["sensor", "name"], b"001\tGate\n"),
        "real_val_202408": (["sensor", "time", "samples", "log_id", "log_offset"], b"001\t2024-08-26Z\t60\tlog\t1\n"),
    }
    tables = {name: backup_file.TableRows(columns, 1) for name, (columns, _) in pieces.items()}
    with psycopg.connect(database_url) as connection:
        given = ((name, iter([rows])) for name, (_, rows) in pieces.items())
        assert backup_database.copy_in(connection, "north", tables, given) == 2
    assert query(database_url, "SELECT site, sensor FROM SENSOR_TB") == [("north", "001")]
    assert query(database_url, "SELECT site, sensor FROM REAL_VAL_TB") == [("north", "001")]
    defaults = "SELECT count(*) FROM pg_attrdef WHERE adrelid IN ('sensor_tb'::regclass, 'real_val_202408'::regclass)"
    assert query(database_url, f"{defaults} AND pg_get_expr(adbin, adrelid) LIKE '%north%'") == [(0,)]


def test_rows_of_a_backup_from_before_boxes_rows_were_in_the_archive_get_there(database_url: str) -> None:
    """Those of the box itself are there twice in such a backup."""
    row = b"%s\tlog\t%d\t2024-08-26 00:0%d:00Z\t001\t8\t4\t60\t0000\t000\t0\t0\n"
    month = ["site", "sensor", "time", "flow", "pressure", "samples", "log_id", "log_offset"]
    received = ["site", "log_id", "log_offset", "time", "sensor", "flow", "pressure", "samples", "flow_flags"]
    pieces = {
        "received_tb": (
            [*received, "pressure_flags", "pred_flow", "pred_pressure"],
            row % (b"north", 1, 1) + row % (b"south", 1, 1) + row % (b"south", 2, 2),
        ),
        "sensor_tb": (["site", "sensor"], b"north\t001\n"),
        "real_val_202408": (month, b"north\t001\t2024-08-26 00:01:00Z\t8\t4\t60\tlog\t1\n"),
    }
    tables = {name: backup_file.TableRows(columns, rows.count(b"\n")) for name, (columns, rows) in pieces.items()}
    with psycopg.connect(database_url) as connection:
        given = ((name, iter([rows])) for name, (_, rows) in pieces.items())
        assert backup_database.copy_in(connection, "north", tables, given) == 5
    rows = query(database_url, "SELECT site, log_offset FROM REAL_VAL_TB ORDER BY 1, 2")
    assert rows == [("north", 1), ("south", 1), ("south", 2)]
    assert query(database_url, "SELECT count(*) FROM SECOND_VAL_TB") == [(0,)]
    assert query(database_url, "SELECT to_regclass('received_tb') IS NULL") == [(True,)]
