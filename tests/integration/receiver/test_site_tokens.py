"""Tokens of sites: made and revoked by the command while hydrolog-server runs, each good for its own site only."""

import errno
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from command_site import hydrolog
from receiver_process import FORM, LOG_ID, SITE, TOKEN, Answer, ReceiverProcess, body_of, kept
from waiting import wait_for

from common.folder import SITE_TOKENS_FILE
from server import site_tokens

OTHER = "site-2"
NOW = datetime.now(UTC)


def sites(data: Path, *arguments: str) -> str:
    done = hydrolog("sites", *arguments, HYDROLOG_PATHS__DATA=str(data))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def made(data: Path, site: str) -> str:
    """A new token of a site."""
    return sites(data, "add", site).splitlines()[-1]


def post(server: ReceiverProcess, site: str, first: int, token: str) -> Answer:
    headers = FORM | {"Idempotency-Key": f"{site}/{LOG_ID}/{first}-{first}", "Authorization": f"Bearer {token}"}
    return server.request("POST", "/v1/batches", body_of(first, first), headers)


def test_a_site_delivers_with_its_own_token_only(receiver: ReceiverProcess, database_url: str) -> None:
    assert post(receiver, SITE, 0, TOKEN).status == 200  # the common one, as before there are others
    ours, others = made(receiver.data, SITE), made(receiver.data, OTHER)
    assert post(receiver, SITE, 1, ours).status == 200
    assert post(receiver, OTHER, 2, others).status == 200
    foreign = post(receiver, SITE, 3, others)
    assert (foreign.status, foreign.json["site"]) == (403, OTHER)
    assert "another site's" in foreign.json["error"]
    common = post(receiver, SITE, 3, TOKEN)
    assert common.status == 403
    assert "token of its own" in common.json["error"]
    assert post(receiver, "site-3", 4, TOKEN).status == 200
    for wrong in (f"{ours}x", ours[:-1], ours.replace(SITE, OTHER), ours.rpartition(".")[2], f"{SITE}.", ".", ""):
        assert post(receiver, SITE, 3, wrong).status == 401
    assert [offset for offset, _ in kept(database_url)] == [0, 1, 2, 4]
    text = (receiver.data / SITE_TOKENS_FILE).read_text() + receiver.output.read_text()
    assert ours not in text and others.rpartition(".")[2] not in text


def test_a_revoked_token_opens_nothing_at_once_and_a_new_one_takes_over_without_a_gap(
    receiver: ReceiverProcess,
) -> None:
    old = made(receiver.data, SITE)
    new = made(receiver.data, SITE)
    assert [post(receiver, SITE, 1, token).status for token in (old, new)] == [200, 200]
    assert "1 token of site-1 revoked" in sites(receiver.data, "revoke", SITE, "--older")
    assert [post(receiver, SITE, 2, token).status for token in (old, new)] == [401, 200]
    sites(receiver.data, "revoke", SITE)
    assert [post(receiver, SITE, 3, token).status for token in (new, TOKEN)] == [401, 403]
    again = hydrolog("sites", "revoke", SITE, HYDROLOG_PATHS__DATA=str(receiver.data))
    assert (again.returncode, again.stderr) == (2, "'site-1' has no token that is not revoked\n")
    listed = sites(receiver.data, "list", "--json")
    assert listed.count('"revoked": "') == 2 and old not in listed


def test_while_the_file_is_unusable_what_was_read_last_counts(receiver: ReceiverProcess) -> None:
    ours = made(receiver.data, SITE)
    assert post(receiver, SITE, 1, ours).status == 200
    file = receiver.data / SITE_TOKENS_FILE
    whole = file.read_bytes()

    def problem() -> str:
        return str(json.loads((receiver.data / "health" / "server.json").read_bytes())["problem"])

    def told(said: str) -> bool:
        return said in problem()

    for damage, said in ((whole + b"site-9\t0\n", "line 3"), (b"\xff", "not ASCII"), (None, "is gone")):
        if damage is None:
            file.unlink()
        else:
            file.write_bytes(damage)
        assert [post(receiver, SITE, 1, token).status for token in (ours, TOKEN)] == [200, 403]
        wait_for(partial(told, said), "the trouble to be told")
    file.write_bytes(whole)
    wait_for(lambda: problem() == "", "the end of the trouble")


@pytest.fixture
def fresh(tmp_path: Path, database_url: str) -> Iterator[ReceiverProcess]:
    """A server that is not started yet, without the common token."""
    process = ReceiverProcess(tmp_path / "data", database_url, HYDROLOG_RECEIVER__TOKEN="")
    process.data.mkdir()
    yield process
    if process.process is not None:
        process.kill()


def test_a_revocation_counts_after_the_disk_has_failed_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = site_tokens.add(tmp_path, SITE, NOW)
    tokens = site_tokens.SiteTokens(tmp_path)
    site_tokens.revoke(tmp_path, SITE, NOW)

    def failing(*_: object) -> object:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as moment:
        moment.setattr(Path, "open", failing)
        tokens.look()
    assert "Too many open files" in tokens.problem and tokens.site_of(token) == SITE
    tokens.look()
    assert (tokens.problem, tokens.site_of(token)) == ("", None)


def test_a_server_starts_with_the_tokens_of_sites_alone(fresh: ReceiverProcess) -> None:
    ours = made(fresh.data, SITE)
    fresh.start()
    assert [post(fresh, SITE, 1, token).status for token in (ours, TOKEN)] == [200, 401]


def test_with_a_file_that_it_could_never_read_a_server_puts_every_batch_off(fresh: ReceiverProcess) -> None:
    ours = made(fresh.data, SITE)
    file = fresh.data / SITE_TOKENS_FILE
    whole = file.read_bytes()
    file.write_bytes(whole[:40])
    fresh.start()
    answer = post(fresh, SITE, 1, ours)
    assert (answer.status, answer.json["error"]) == (503, "the tokens of sites cannot be read")
    failed = hydrolog("sites", "add", SITE, HYDROLOG_PATHS__DATA=str(fresh.data))
    assert failed.returncode == 1
    assert "line 2: not a site" in failed.stderr
    file.write_bytes(whole)
    assert post(fresh, SITE, 1, ours).status == 200


def test_many_commands_at_once_lose_no_token(tmp_path: Path) -> None:
    children = []
    for number in range(8):
        child = os.fork()
        if child == 0:
            from common.clock import SystemClock
            from server.site_tokens import add

            for turn in range(5):
                add(tmp_path, f"site-{number}-{turn}", SystemClock().now())
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert len(sites(tmp_path, "list", "--json").split("made")) == 1 + 40


@pytest.mark.parametrize("site", ["", "a b", "../x", "ä", "a/b", "x" * 65])
def test_only_a_sites_name_gets_a_token(tmp_path: Path, site: str) -> None:
    refused = hydrolog("sites", "add", site, HYDROLOG_PATHS__DATA=str(tmp_path))
    assert refused.returncode == 2
    assert not (tmp_path / SITE_TOKENS_FILE).exists()


def test_a_site_that_delivers_too_much_is_told_when_to_come_again(tmp_path: Path, database_url: str) -> None:
    server = ReceiverProcess(tmp_path / "data", database_url, HYDROLOG_RECEIVER__ROWS_PER_MINUTE="10")
    server.start()
    try:
        assert server.post_rows(1, 100).status == 200  # a batch may be larger than the quota: it is paid afterwards
        late = server.post_rows(101, 101)
        assert late.status == 429
        assert 480 < int(late.headers["Retry-After"]) <= 540 + 25  # 90 rows too many are nine minutes
        assert post(server, OTHER, 1, TOKEN).status == 200  # another site's quota is its own
    finally:
        server.kill()
