"""The settings in a backup are settings: what is read back is what was in use, but for the secrets."""

from pathlib import Path

from cli.settings_text import settings_text
from common.settings import load

TEXT = """
[site]
id = "site-7"
[line]
url = "/dev/serial/by-id/usb-물 \\"q\\" \\u007f"
protocol = "modbus"
flow_no_value = [-1.0, 1e-5, 65535]
[[line.sensors]]
sensor = "001"
flow_limits = [0.0, 12.5]
[line.format]
start = "\\u0002"
[line.modbus]
poll_seconds = 2
[[line.modbus.registers]]
sensor = "001"
channel = "flow"
[[line.modbus.registers]]
sensor = "002"
channel = "total"
measure = "m3"
[server]
url = "https://water.example/v1"
plain_http = true
[weather]
url = "https://weather.example/x?api_key={key}&lat=1"
"""
ZONES = """
[zones]
zone_a = "001 + 002"
"zone.b" = "001 - 003"
[loggers]
zone_a = "101 102"
"004" = "103"
"""
SECRETS = """
proxy = "http://box:s3cretproxy@10.0.0.1:3128"
[weather]
url = "https://weather.example/x?api_key={key}&lat=1"
proxy = "http://box:s3cretweather@10.0.0.1:3128"
[database]
url = "postgresql://hydrolog:s3cretdb@127.0.0.1/water"
[alerts]
urls = ["mailtos://box:s3cretmail@mail.example.org"]
"""


def test_what_is_read_back_is_what_was_in_use(tmp_path: Path) -> None:
    (tmp_path / "hydrolog.toml").write_text(TEXT + ZONES)
    chosen = load(tmp_path / "hydrolog.toml", {})
    (tmp_path / "again.toml").write_text(settings_text(chosen, set()))
    assert load(tmp_path / "again.toml", {}) == chosen
    (tmp_path / "hydrolog.toml").write_text(TEXT.partition("[weather]")[0] + SECRETS + ZONES)
    text = settings_text(load(tmp_path / "hydrolog.toml", {}), set())
    assert "s3cret" not in text
    assert text.count("= a secret, not written here") == 4
    (tmp_path / "again.toml").write_text(text)
    assert load(tmp_path / "again.toml", {}) == chosen
