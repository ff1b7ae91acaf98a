"""The bundle for the support: all that it needs, and no secret, wherever somebody wrote one."""

import json
import tarfile
from pathlib import Path
from urllib.parse import quote

import pytest
from command_site import Configure, healthy, hydrolog, logged, now_minute, row

from cli import support
from common import masking
from common.errors import HydrologError
from common.settings import load

ODD = "p@ss/w:rd %25'\"é\\"
# Each word is a secret, or a part of one, in another place.
WORDS = [
    f"s3cret{place}" for place in ("DB", "PROXY", "MAIL", "QUERY", "BOT", "SERVER", "RECEIVER", "ENV", "LINE", "OLD")
]


def texts(file: Path) -> dict[str, str]:
    with tarfile.open(file) as bundle:
        members = {member.name.partition("/")[2]: bundle.extractfile(member) for member in bundle}
        return {name: content.read().decode() for name, content in members.items() if content}


@pytest.fixture
def box(config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings with a secret in every place, and logs that hold them in every form."""
    (tmp_path / "server.token").write_text(f"{WORDS[5]}\n")
    (tmp_path / "receiver.token").write_text(f"\ufeff{WORDS[6]}\n", "utf-8")
    for name in ("server.token", "receiver.token"):
        (tmp_path / name).chmod(0o600)
    path = config(
        server=f'url = "https://water.example/v1?key={WORDS[3]}"\nproxy = "http://box:{WORDS[1]}@10.0.0.1:3128"\n'
        'token_file = "server.token"',
        receiver='token_file = "receiver.token"',
        alerts=f'urls = ["mailtos://box:{WORDS[2]}@mail.example.org?to=a@b.example", "tgram://{WORDS[4]}/chat"]',
    )
    monkeypatch.setenv("MY_API_KEY", WORDS[7])
    monkeypatch.setenv("METER_PASSWORD", WORDS[8])
    monkeypatch.setenv("HTTPS_PROXY", f"http://box:{WORDS[7]}2@10.0.0.1")
    monkeypatch.setenv("HYDROLOG_HOME", str(tmp_path))
    logged(path, [row(now_minute() - 1)]).close()
    healthy(tmp_path / "data", "producer", note=f"it said {WORDS[1]}")
    (tmp_path / "logs").mkdir()
    lines = [form for word in WORDS[:9] for form in (word, quote(word), json.dumps(word), repr(word))]
    lines += [
        f"url=postgresql://u:{WORDS[9]}@h/d",
        f"Bearer {WORDS[9]}",
        f"password: {WORDS[9]}",
        f"api_key={WORDS[9]}",
    ]
    (tmp_path / "logs" / "producer.log").write_text("the first line\n" + "\n".join(lines) + "\nthe last line\n")
    return path


def test_no_secret_is_in_it_and_all_else_is(box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = load(box).database.url
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", f"{url}&password={WORDS[0]}")  # its server asks nobody for one
    file = tmp_path / "box.tar.gz"
    done = hydrolog("support", str(file), "--config", str(box))
    assert done.returncode == 0, done.stderr
    found = texts(file)
    whole = "\n".join(found) + "\n".join(found.values())
    assert [word for word in WORDS if word in whole] == []
    log = found["logs/producer.log"]
    assert log.startswith("the first line\n")
    assert log.endswith("the last line\n")
    assert log.count(masking.HIDDEN) == 40
    assert "proxy = a secret" in found["settings.toml"]
    assert "timezone" not in found["settings.toml"]  # as it is without the settings
    assert "real_val_tb (0,)" in found["tables.txt"]
    assert json.loads(found["commands/status_--json.txt"].rpartition("\nexit code")[0])["sensors"] == []
    assert "the log is sound" in found["commands/log_verify.txt"]
    assert "Traceback" not in whole
    assert "usage:" not in whole
    assert {"versions.txt", "clock.txt", "data_folder.txt", "health/producer.json", "commands/check.txt"} <= set(found)
    assert "no planned work" in found["commands/calendar.txt"]
    assert "no weather is known" in found["commands/weather.txt"]
    assert "MY_API_KEY\n" in found["environment.txt"]
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("secret", [ODD, "한글비밀번호", "a" * 300, "ab:c", "%41%42%43%44"])
def test_a_secret_is_hidden_in_each_form(secret: str) -> None:
    in_quotes = [json.dumps(secret), json.dumps([secret]), json.dumps(secret, ensure_ascii=False), ascii(secret)]
    forms = [secret, quote(secret, safe=""), quote(secret), repr(secret), *in_quotes]
    for form in forms:
        said = masking.hide(f"before {form} behind", [secret])
        assert said in (f"before {quoted}[hidden]{quoted} behind" for quoted in ("", '"', "'")) or "[hidden]" in said
        assert form not in said


def test_a_line_of_any_length_is_read_through_at_once() -> None:
    """With a search that begins anew at each letter, this would take hours."""
    assert masking.hide_all("x" * 200_000 + "token=abc", []).endswith("token=[hidden]")


def test_a_short_secret_does_not_take_the_letters_of_every_word() -> None:
    assert masking.hide("a batch, then a=a and ab", ["a"]) == "[hidden] batch, then [hidden]=[hidden] and ab"


def test_it_is_small_and_no_half_of_a_secret_is_left(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(support, "COMMANDS", ())
    monkeypatch.setattr(support, "OF_THE_SYSTEM", (("yes", "y"),))
    monkeypatch.setattr(support, "COMMAND_S", 0.2)
    token = WORDS[5]
    for number in range(40):
        (tmp_path / "logs" / f"{number}.log").write_bytes((f"{token} " * 40_000).encode())
    line = f"{token}\n"
    (tmp_path / "logs" / "z.log").write_text(line * (support.MOST_BYTES // len(line)) + line * 3 + "x" * 3)
    assert support.run([str(tmp_path / "box.tar.gz"), "--config", str(box)]) == 0
    found = texts(tmp_path / "box.tar.gz")
    assert len([name for name in found if name.startswith("logs/")]) == support.MOST_FILES
    assert all(len(text.encode()) <= support.MOST_BYTES for text in found.values())
    assert not any(piece in text for text in found.values() for piece in (token, token[3:], token[-6:]))
    assert "no end after" in found["system/yes_y.txt"]


def test_a_file_that_is_there_stays(box: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(HydrologError, match="is there already"):
        support.run([str(tmp_path / "mine"), "--config", str(box)])
    assert (tmp_path / "mine").read_text() == "mine"


def test_without_a_database_it_says_why_and_goes_on(box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "COMMANDS", ())
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", f"postgresql://u:{WORDS[0]}@127.0.0.1:9/water")
    assert support.run([str(tmp_path / "box.tar.gz"), "--config", str(box)]) == 0
    said = texts(tmp_path / "box.tar.gz")["tables.txt"]
    assert said.startswith("not known: the database does not answer")
    assert WORDS[0] not in said
