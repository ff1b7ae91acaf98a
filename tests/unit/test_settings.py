"""Settings: one line that names the key, before anything is touched."""

from pathlib import Path

import pytest

from common.errors import SettingsError
from common.settings import SERVER_TOKEN, load
from common.token_file import read_token


def _load(tmp_path: Path, text: str, **environ: str) -> object:
    config = tmp_path / "hydrolog.toml"
    config.write_text(text)
    return load(config, environ)


def test_the_defaults_are_a_whole_configuration(tmp_path: Path) -> None:
    settings = load(None, {})
    assert settings.night.start == "22:00"
    assert settings.log.groups == ("archive", "server")
    assert settings.receiver.host == "127.0.0.1"


def test_a_relative_data_folder_lies_beside_the_settings_file(tmp_path: Path) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text('[paths]\ndata = "rows"\n')
    assert load(config, {}).paths.data == tmp_path / "rows"


def test_a_file_in_another_encoding_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text("[site]\n", "utf-16")
    with pytest.raises(SettingsError, match="its text is not UTF-8; save it as UTF-8"):
        load(config, {})


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text("[server]\nevery_minutes = 5\n")
    environ = {"HYDROLOG_SERVER__EVERY_MINUTES": "20", "HYDROLOG_LOG__GROUPS": "archive, alerts"}
    settings = load(config, environ)
    assert settings.server.every_minutes == 20
    assert settings.log.groups == ("archive", "alerts")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[site]\nid = 7\n", "site.id"),
        ('[site]\nid = "a b"\n', "site.id"),
        ('[site]\ntimezone = "Mars/Olympus"\n', "site.timezone"),
        ('[site]\ntimezone = "../../etc/passwd"\n', "site.timezone"),
        ("[line]\nbaudrate = 0\n", "line.baudrate"),
        ("[line]\nbaudrate = 9600.5\n", "line.baudrate"),
        ("[line]\nbaudrate = true\n", "line.baudrate"),
        ('[line]\nprotocol = "morse"\n', "line.protocol"),
        ("[line]\nlateness_seconds = nan\n", "line.lateness_seconds"),
        ("[line]\nlateness_seconds = 1" + "0" * 400, "line.lateness_seconds"),
        ("x = " + "[" * 5000, "--config"),
        ("[server]\nevery_minutes = " + "9" * 5000, "--config"),
        ('[paths]\ndata = "a\\u0000b"\n', "paths.data"),
        (f'[paths]\ndata = "a/{"가" * 86}"\n', "paths.data"),
        ('[server]\ntoken_file = "a\\u0000b"\n', "server.token_file"),
        ('[server]\nurl = "https://a/\\r\\nX: y"\n', "server.url"),
        ("[log]\ngroups = []\n", "log.groups"),
        ('[log]\ngroups = ["a", "a"]\n', "log.groups"),
        ('[log]\ngroups = ["../x"]\n', "log.groups"),
        ('[log]\nurl = "http://x"\n', "log.url"),
        ('[server]\nurl = "ftp://x/"\n', "server.url"),
        ('[server]\nurl = "http://x:port/"\n', "server.url"),
        ('[server]\ntoken = "secret"\n', "server.token"),
        ('[night]\nstart = "25:00"\n', "night.start"),
        ('[night]\nfinish = "05:00"\n', "night.finish"),
        ("[forecast]\nhorizon_hours = 0\n", "forecast.horizon_hours"),
        ("[receiver]\nport = 70000\n", "receiver.port"),
        ('[receiver]\nproxies = ["10.0.0.3/24"]\n', "receiver.proxies"),
        ("[nonsense]\n", "nonsense"),
        ("site = 1\n", "site"),
        ("[site\n", "--config"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        _load(tmp_path, text)
    assert str(wrong.value).startswith(f"{key}: ")
    assert "\n" not in str(wrong.value)
    assert wrong.value.exit_code == 2


@pytest.mark.parametrize(
    "variable", ["HYDROLOG_SITE", "HYDROLOG_SITE__NAME", "HYDROLOG_WATER__ID", "HYDROLOG_LINE__BAUDRATE"]
)
def test_a_wrong_variable_is_named(variable: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        load(None, {variable: "many"})
    assert str(wrong.value).startswith(variable)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        load(tmp_path / "none.toml", {})


def test_the_token_comes_from_the_environment_or_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    assert read_token(SERVER_TOKEN, str(file), "server.token_file", {}) == "s3cret"
    assert read_token(SERVER_TOKEN, str(file), "server.token_file", {SERVER_TOKEN: "other"}) == "other"


def test_a_token_that_others_can_read_is_refused_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600") as wrong:
        read_token(SERVER_TOKEN, str(file), "server.token_file", {})
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize("content", ["", "two words", "new\nline", "\x1b[31m", "ключ"])
def test_a_token_that_cannot_be_a_header_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(SettingsError, match=r"server\.token_file"):
        read_token(SERVER_TOKEN, str(file), "server.token_file", {})


def test_no_token_is_a_setting_that_is_missing() -> None:
    with pytest.raises(SettingsError, match="no token"):
        read_token(SERVER_TOKEN, "", "server.token_file", {})


def test_the_mark_that_notepad_puts_in_front_is_no_text(tmp_path: Path) -> None:
    config, token = tmp_path / "hydrolog.toml", tmp_path / "token"
    config.write_bytes(b'\xef\xbb\xbf[site]\r\nid = "a"\r\n')
    token.write_bytes(b"\xef\xbb\xbfs3cret\r\n")
    token.chmod(0o600)
    assert load(config, {}).site.id == "a"
    assert read_token(SERVER_TOKEN, str(token), "server.token_file", {}) == "s3cret"


def test_the_price_of_water_is_a_number_and_its_currency_short_text(tmp_path: Path) -> None:
    site = load(None, {"HYDROLOG_SITE__WATER_PRICE": "900.5", "HYDROLOG_SITE__CURRENCY": "원"}).site
    assert (site.water_price, site.currency) == (900.5, "원")
    for wrong in ("water_price = -1", 'water_price = "1"', "water_price = nan", "water_price = inf",
                  'currency = "\\u001b[2J"', 'currency = "a very long name"'):  # fmt: skip
        with pytest.raises(SettingsError, match=wrong.partition(" ")[0]):
            _load(tmp_path, f"[site]\n{wrong}\n")
