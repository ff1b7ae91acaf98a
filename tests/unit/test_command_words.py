"""What a command is told: refused before settings and database are asked, in one line without control characters."""

import pytest

from cli.__main__ import main

NO_TEXT, TOO_MANY = "\udcff", "9" * 20


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ["night", "--sensor", NO_TEXT],
            ["night", "set", NO_TEXT, "--use", "1"],
            ["night", "report", "--sensor", "a b"],
        ),
        *(["night", "--nights", TOO_MANY], ["night", "--nights", "-1"], ["night", "--nights", "٣"]),
        *(["forecast", "report", "--days", TOO_MANY], ["backtest", "outliers", "--days", "0"]),
        *(["incidents", "--sensor", NO_TEXT], ["report", "--sensor", NO_TEXT], ["criteria", "show", "--sensor", ""]),
        *(["sensors", "remove", NO_TEXT], ["night", "\x1b]0;evil\x07"]),
    ],
)
def test_words_that_cannot_be(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(f"hydrolog {arguments[0]}")
    assert said.endswith("--help\n")
    assert said[:-1].isprintable()
