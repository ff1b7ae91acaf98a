"""The examples of the documentation are settings that a producer starts with."""

import re
import tomllib
from pathlib import Path

import pytest

from common.settings import load
from producer.protocols import check_meters

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = [
    pytest.param(text, id=f"{page}-{number}")
    for page in ("operators/meters.md", "engineers/simulator.md")
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL))
]


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


def test_the_pictured_day_is_the_one_that_is_drawn(tmp_path: Path) -> None:
    """Whoever changes the district draws its picture again."""
    pictures = DOCS / "pictures"
    script = (pictures / "plot_simulated_day.py").read_text("utf-8")
    script = script.replace('Path(__file__).with_name("simulated_day.svg")', f"Path({str(tmp_path / 'day.svg')!r})")
    exec(compile(script, "plot", "exec"), {"__name__": "__main__"})
    assert (tmp_path / "day.svg").read_bytes() == (pictures / "simulated_day.svg").read_bytes()
