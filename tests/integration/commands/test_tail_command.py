"""`hydrolog tail`: the rows as they come in, with names and words, and harmless."""

from datetime import datetime

import pytest
from command_site import SEOUL, Configure, logged, now_minute, row

from cli import sensors, tail
from common.clock import minute_of
from common.row import format_payload
from log.format import Record, format_lines


def test_tail_shows_the_last_rows_with_names_and_flags_in_words(
    config: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config()
    sensors.run(["add", "001", "--name", "North gate", "--config", str(path)])
    capsys.readouterr()
    minute = minute_of(datetime(2024, 8, 26, 16, 33, tzinfo=SEOUL))
    logged(path, [row(minute + n) for n in range(30)] + [row(minute + 30, flow=None, flags="M000")]).close()
    with (path.parent / "data/server_data.txt").open("ab") as file:
        file.write(format_lines(31, [b"not a row\x1b[2J"]))
        file.write(b"32\tdamaged\x1b[2J\t00000000\n")
    assert tail.run(["--no-follow", "--lines", "4", "--config", str(path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 4
    assert " ".join(shown[0].split()) == "29 2024-08-26 17:02 001 North gate 8.00 m3/h 4.10 bar 60 readings"
    assert "no value m3/h" in shown[1]
    assert "flow SYSTEM: no value" in shown[1]
    assert shown[2].startswith("31 not a row")
    assert shown[3].startswith("damaged line: ")
    assert "\x1b" not in "".join(shown)


def test_tail_of_a_long_file_begins_at_a_whole_row(config: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    now = now_minute()
    path = config()
    logged(path, [row(now + n) for n in range(500)]).close()
    assert tail.run(["--no-follow", "--lines", "3", "--config", str(path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown] == ["497", "498", "499"]


def test_following_survives_resets_and_shows_each_row_once(config: Configure) -> None:
    now = now_minute()
    path = config()
    log = logged(path, [row(now + n) for n in range(5)])
    follower = tail.Follower(path.parent / "data/server_data.txt", 100)
    seen = list(follower.read())
    groups = [log.group(name) for name in ("archive", "server")]
    for turn in range(3):
        log.append([format_payload(row(now + 10 + turn), SEOUL)])
        for group in groups:
            group.poll(100)
            group.commit(log.end_offset)
        assert log.trim()
        log.append([format_payload(row(now + 20 + turn), SEOUL)])
        seen += follower.read()
    assert [each.offset for each in seen if isinstance(each, Record)] == list(range(11))
    assert [each.base for each in seen if isinstance(each, tail.Reset)] == [6, 8, 10]
    assert not [each for each in seen if isinstance(each, bytes)]
    follower.close()
    for group in groups:
        group.close()
    log.close()


def test_tail_without_a_log_says_so(config: Configure) -> None:
    with pytest.raises(tail.NothingToFollow):
        tail.run(["--config", str(config())])
