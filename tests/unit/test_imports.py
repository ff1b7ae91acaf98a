"""What a process loads: the small ones stay small."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "pandas", "torch")


@pytest.mark.parametrize(
    ("module", "others"),
    [
        ("producer.step", ("psycopg", "pymodbus", *HEAVY)),
        ("consumer.archive", HEAVY),
        ("consumer.delivery", ("psycopg", *HEAVY)),
        ("consumer.alerts.worker", ("psycopg", "apprise", *HEAVY)),
        ("forecaster.shell", ("torch",)),
    ],
)
def test_a_process_does_not_load_what_only_others_need(module: str, others: tuple[str, ...]) -> None:
    code = f"import {module}, sys; print([name for name in {others} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
