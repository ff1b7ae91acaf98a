"""The examples of the documentation are settings that a producer starts with."""

import re
import tomllib
from collections import Counter
from functools import reduce
from operator import xor
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from common.settings import load
from common.sums import SUMS
from producer.asking_checks import forms_of
from producer.described import Described
from producer.protocols import check_meters

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = [
    pytest.param(text, id=f"{page}-{number}")
    for page in ("operators/meters.md", "engineers/simulator.md")
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL))
]


def test_the_korean_page_has_the_same_examples() -> None:
    """Their comments aside."""
    settings = [
        [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)]
        for page in ("operators/meters.md", "operators/meters.ko.md")
    ]
    assert settings[0]
    assert settings[1] == settings[0]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_whole(text: str, tmp_path: Path) -> None:
    kinds = {"[line.format]": "described", "[[line.modbus.registers]]": "modbus"}
    protocol = next((kind for mark, kind in kinds.items() if mark in text), "ascii")
    if "protocol" not in tomllib.loads(text)["line"]:
        text = f'[line]\nprotocol = "{protocol}"\n' + text
    config = tmp_path / "hydrolog.toml"
    config.write_text(text, "utf-8")
    line = load(config, {}).line
    assert line.protocol == protocol
    check_meters(line)


BCC = reduce(xor, READOUT := b"6.8(0019.1*MWh)6.26(00579.58*m3)9.21(66153690)\r\n!\r\n\x03", 0)
# What the page says that a described line is, what then comes, and what it means.
SAID = [
    ("length = 12", b":08.02;04.11:08.03;04.10", [(8.02, 4.11), (8.03, 4.10)]),
    ('digits = "bcd"', b"\x02\x00\x01\x23\x45\x41\x10", [(123.45, 4.11)]),
    ("rolls_over_at = 10_000_000 ", b"x\r\nzone-2;0123456.78;4.11\r\n", [(123456.78, 4.11)]),
    ('"flow_measure", "pressure"', b"x\r\n12.3 L/s 411 kPa\r\n44.2 m3/h 4.11 bar\r\n", [(44.28, 4.11), (44.2, 4.11)]),
    ('"DQD\\r"', b"x\r\n+1.234500E+01m3/h\r\n", [(12.345, None)]),
    ('"?02\\r"', b"x\r\n01;8.02;4.11\r\n", [(8.02, 4.11)]),
    ('"/?!\\r\\n"', b"/ABC5METER\r\n\x02" + READOUT + bytes([BCC]), [(579.58, None)]),
]


@pytest.mark.parametrize(("mark", "comes", "means"), SAID)
def test_an_example_reads_its_line(
    mark: str, comes: bytes, means: list[tuple[float, float | None]], tmp_path: Path
) -> None:
    (text,) = [str(each.values[0]) for each in EXAMPLES if mark in str(each.values[0])]
    config = tmp_path / "hydrolog.toml"
    config.write_text(text if "[line]" in text else f'[line]\nprotocol = "described"\n{text}', "utf-8")
    line = load(config, {}).line
    described = Described(forms_of(line)[0] if line.ask.meters else line.format)
    framer = described.framer(Counter())
    found = [described.read(frame, ZoneInfo("UTC"), 0.0) for frame in framer.frames(framer.lines(comes))]
    values = [(each.reading.flow if each.total_m3 is None else each.total_m3, each.reading.pressure) for each in found]
    assert values == [pytest.approx(value) for value in means]


@pytest.mark.parametrize("page", ["meters.md", "meters.ko.md"])
def test_the_page_says_what_each_checksum_is(page: str) -> None:
    table = re.findall(
        r'^\| `"([a-z0-9-]+)"` \|.*\| `([0-9A-F]+)` \|$', (DOCS / "operators" / page).read_text("utf-8"), re.M
    )
    assert {kind: text.encode() for kind, text in table} == {kind: one.text(b"123456789") for kind, one in SUMS.items()}


def test_the_pictured_day_is_the_one_that_is_drawn(tmp_path: Path) -> None:
    """Whoever changes the district draws its picture again."""
    pictures = DOCS / "pictures"
    script = (pictures / "plot_simulated_day.py").read_text("utf-8")
    script = script.replace('Path(__file__).with_name("simulated_day.svg")', f"Path({str(tmp_path / 'day.svg')!r})")
    exec(compile(script, "plot", "exec"), {"__name__": "__main__"})
    assert (tmp_path / "day.svg").read_bytes() == (pictures / "simulated_day.svg").read_bytes()
