"""No slip in an address shows the password in it, neither when it is refused nor when the database is asked."""

from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import database
from common.errors import DatabaseDown, SettingsError
from common.settings import SERVER_TOKEN, load
from common.token_file import read_token

SECRETS = st.builds(
    "".join, st.lists(st.sampled_from([*"@:/?#%&= '\\[]", "s3cr", "Pa55", "w0rd", "geheim"]), min_size=2, max_size=6)
).filter(lambda text: any(len(part) >= 4 for part in fragments(text)))
SLIPS = (
    "postgresql://hydrolog:{0}@127.0.0.1:5432/water",
    "postgresql://hydrolog{0}@127.0.0.1:5432/water",
    "postgresql://hydrolog@127.0.0.1:{0}/water",
    "postgresql://hydrolog@{0}:127.0.0.1/water",
    "postgresql://{0}@127.0.0.1/water",
    "postgresql://{0}:hydrolog@127.0.0.1/water",
    "postgresql://127.0.0.1/{0}@water",
    "postgresql//hydrolog:{0}@127.0.0.1/water",
    "postgresql:/hydrolog:{0}@127.0.0.1/water",
    "postgres//{0}",
    "hydrolog:{0}@127.0.0.1/water",
    "host=127.0.0.1 user=hydrolog password={0}",
    "host=127.0.0.1 user=hydrolog password='{0}'",
    "host=127.0.0.1 user=hydrolog password {0}",
    "host=127.0.0.1, user=hydrolog, {0}",
    "mysql://hydrolog:{0}@127.0.0.1/water",
    "{0}",
)


def fragments(secret: str) -> list[str]:
    """The pieces by which a reader would know it."""
    return [part for part in ("s3cr", "Pa55", "w0rd", "geheim") if part in secret]


@given(secret=SECRETS, slip=st.sampled_from(SLIPS), encoded=st.booleans())
def test_no_slip_in_the_databases_address_shows_its_password(secret: str, slip: str, encoded: bool) -> None:
    url = slip.format(quote(secret, safe="") if encoded else secret)
    said = ""
    try:
        chosen = load(None, {"HYDROLOG_DATABASE__URL": url})
    except SettingsError as error:
        said = str(error)
        assert said.startswith("database.url: ") or "HYDROLOG_DATABASE__URL" in said
    else:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(DatabaseDown) as down:
            patch.setattr(psycopg, "connect", refuse)
            database.connect(database.address(chosen), "test")
        said = f"{down.value} {down.value.__cause__}"
    for part in fragments(secret):
        assert part not in said, url


def refuse(url: str, **_: object) -> None:
    """As bad as libpq can be: it names the user, the host and the whole address."""
    try:
        parts = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error as error:
        raise psycopg.ProgrammingError(str(error)) from None
    user, password = parts.get("user"), parts.get("password")
    raise psycopg.OperationalError(f'failed: "{url}": password {password} of user "{user}" is wrong')


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgresql://hydrolog:s3cr3t@db.example:5432/water?sslmode=require",
        "postgres://hydrolog@127.0.0.1/water",
        "postgresql://hydrolog:s%40cret%2F@[::1]:5433/water",
        "postgresql:///water",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/water",
        "postgresql://a.example:5432,b.example:5433/water?target_session_attrs=read-write",
        "host=/var/run/postgresql dbname=water",
        r"host=db user=hydrolog password='it\'s s3cret' dbname = water",
    ],
)
def test_a_right_address_is_taken(url: str) -> None:
    assert load(None, {"HYDROLOG_DATABASE__URL": url}).database.url == url


def test_a_token_in_the_place_of_its_file_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read_token(SERVER_TOKEN, str(tmp_path / "s3cret-token"), "server.token_file", {})
    assert "s3cret-token" not in str(refused.value)
    assert "No such file" in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("SERVER__URL", "https://me:geheim@water.example/"),
        ("SERVER__URL", "me:geheim@water.example"),
        ("SERVER__PROXY", "ftp://me:geheim@proxy"),
        ("SERVER__PROXY", "http://me:geheim@proxy/a/path"),
        ("LOG__URL", "kafka://me:geheim@broker:9092"),
    ],
)
def test_no_other_address_shows_a_password(variable: str, url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(None, {f"HYDROLOG_{variable}": url})
    assert "geheim" not in str(refused.value)
