"""The batch as text: what a sender writes is read back exactly, and whatever is wrong is named by row and column."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import minute_of
from common.row import Row, format_number, format_payload
from common.sent_row import COLUMNS
from server import batch
from server.batch import BatchKey, BatchRefused, lines_of, parse_key

SEOUL = ZoneInfo("Asia/Seoul")
LINE = "18342\t2024-08-26T16:33:00+09:00\t001\t8.02\t4.11\t60\t0000\t000\t0\t0"

thousandths = st.integers(-(10**9), 10**9).map(lambda number: number / 1000)
rows = st.builds(
    Row,
    minute=st.integers(0, minute_of(datetime(2199, 12, 31, tzinfo=UTC))),
    sensor=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,31}", fullmatch=True),
    flow=st.none() | thousandths,
    pressure=st.none() | thousandths,
    samples=st.integers(0, 999_999),
    flow_flags=st.from_regex(r"[0-9A-Z]{4}", fullmatch=True),
    pressure_flags=st.from_regex(r"[0-9A-Z]{3}", fullmatch=True),
)


@st.composite
def batches(draw: st.DrawFn) -> list[str]:
    offset = draw(st.integers(0, 10**12))
    found = []
    for row in draw(st.lists(rows, min_size=1, max_size=8)):
        forecasts = "\t".join(format_number(draw(thousandths)) for _ in range(2))
        found.append(f"{offset}\t{format_payload(row, SEOUL)}\t{forecasts}")
        offset += draw(st.integers(1, 1000))  # holes are allowed
    return found


def key_for(first: int, last: int) -> BatchKey:
    return parse_key(f"site-1/6f1c/{first}-{last}")


def key_of(lines: list[str]) -> BatchKey:
    return key_for(*(int(line.partition("\t")[0]) for line in (lines[0], lines[-1])))


@given(batches(), st.booleans())
def test_what_a_sender_writes_is_taken_as_it_is(lines: list[str], end: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_refuse_one_of", None)  # at one look, or it would cost ten times as much
        assert lines_of("\n".join(lines).encode() + b"\n" * end, key_of(lines)) == [line.encode() for line in lines]


@given(batches(), st.data())
def test_a_broken_cell_is_named_by_row_and_column(lines: list[str], data: st.DataObject) -> None:
    key = key_of(lines)
    number = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(COLUMNS) - 1))
    cells = lines[number].split("\t")
    words = ["1e400", "NaN", "0x10"] if COLUMNS[place] not in ("sensor", "flow_flags", "pressure_flags") else []
    cells[place] = data.draw(st.sampled_from([*words, "-", "x y", "<b>", "١٢", "=1+1", "\r", "\x00", "'", "..", "+1"]))
    lines[number] = "\t".join(cells)
    with pytest.raises(BatchRefused) as refused:
        lines_of("\n".join(lines).encode(), key)
    assert refused.value.status == 422
    column = COLUMNS[place] if cells[place].isascii() else "line"
    assert refused.value.facts == {"row": number + 1, "column": column}
    assert cells[place] == "-" or cells[place] not in str(refused.value)  # foreign text is not given back


@given(st.binary(max_size=400))
def test_any_bytes_are_rows_or_refused(body: bytes) -> None:
    with pytest.raises(BatchRefused):
        lines_of(body, key_for(0, 0))


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (LINE + "\t", "line"),
        (LINE.rpartition("\t")[0], "line"),
        ("", "line"),
        (LINE.replace("18342", "18343"), "offset"),
        (LINE.replace("18342", "018342"), "offset"),
        (LINE.replace("2024", "0001"), "time"),
        (LINE.replace("2024", "9999"), "time"),
        (LINE.replace("08-26", "02-30"), "time"),
        (LINE.replace("16:33:00", "16:33:30"), "time"),
        (LINE.replace("+09:00", ""), "time"),
        (LINE.replace("001", "../x"), "sensor"),
        (LINE.replace("001", "a" * 33), "sensor"),
        (LINE.replace("8.02", "8,02"), "flow"),
        (LINE.replace("8.02", "inf"), "flow"),
        (LINE.replace("60", "-1"), "samples"),
        (LINE.replace("0000", "000"), "flow_flags"),
        (LINE + "x", "pred_pressure"),
        (LINE[:-1], "pred_pressure"),
    ],
)
def test_one_line_and_what_is_wrong_with_it(line: str, column: str) -> None:
    with pytest.raises(BatchRefused) as refused:
        lines_of(f"{line}\n".encode(), key_for(18342, 18342))
    assert refused.value.status == 422
    assert column in str(refused.value) or column == "line"
    assert refused.value.facts == {"row": 1, "column": column}


def test_offsets_must_ascend_and_match_the_key() -> None:
    def body(*offsets: int) -> bytes:
        return "".join(LINE.replace("18342", str(offset)) + "\n" for offset in offsets).encode()

    assert len(lines_of(body(7, 9), key_for(7, 9))) == 2
    for offsets, key, row in [((7, 7), (7, 7), 2), ((9, 7), (9, 9), 2), ((7, 9), (6, 9), 1), ((7, 9), (7, 10), 2)]:
        with pytest.raises(BatchRefused) as refused:
            lines_of(body(*offsets), key_for(*key))
        assert refused.value.facts == {"row": row, "column": "offset"}


def test_an_empty_body_is_no_batch() -> None:
    for body in (b"", b"\n"):
        with pytest.raises(BatchRefused) as refused:
            lines_of(body, key_for(0, 0))
        assert refused.value.status == 422


sites = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True)
offsets = st.integers(0, 10**18 - 1)


@given(sites, st.uuids(), offsets, offsets)
def test_a_key_is_read_back(site: str, log_id: object, one: int, other: int) -> None:
    first, last = sorted((one, other))
    text = f"{site}/{log_id}/{first}-{last}"
    assert parse_key(text) == BatchKey(site, str(log_id), first, last, text)


@given(st.text() | st.from_regex(r"[a-z./]{0,8}/[a-z./]{0,8}/[0-9]{0,3}-[0-9]{0,3}", fullmatch=True))
def test_any_other_text_is_no_key(text: str) -> None:
    try:
        key = parse_key(text)
    except BatchRefused as refused:
        assert refused.status == 400
    else:
        assert f"{key.site}/{key.log_id}/{key.first}-{key.last}" == text
        assert key.first <= key.last


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/b",
        "a/b/1",
        "a/b/2-1",
        "a/b/01-2",
        "a/b/-1-2",
        "../b/1-2",
        "a/../1-2",
        "a/b/1-2\n",
        "a/b/1-2/3",
        "a/b/١-٢",
        "a/b c/1-2",
    ],
)
def test_keys_that_are_refused(text: str) -> None:
    with pytest.raises(BatchRefused) as refused:
        parse_key(text)
    assert refused.value.status == 400
