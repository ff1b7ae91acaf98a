"""Sites are taken by one process each, whatever becomes of it."""

import contextlib
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from claiming import LATER, NOW, SEOUL, Claimer, claiming
from database_site import away
from waiting import wait_for

from common.clock import minute_of
from common.errors import DatabaseDown, DatabaseRefuses, SiteWorkFailed
from common.site_claims import FIRST_WAIT_S, Done, SiteClaims

Connection = psycopg.Connection[tuple[object, ...]]
SECOND = timedelta(seconds=1)
WAIT = timedelta(seconds=FIRST_WAIT_S)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as made:
        made.execute("CREATE TABLE worked (site text, by text)")
        yield made


@pytest.fixture
def here(database_url: str) -> Iterator[SiteClaims]:
    with claiming(database_url) as claims:
        yield claims


@pytest.fixture
def there(database_url: str) -> Iterator[SiteClaims]:
    with claiming(database_url) as claims:
        yield claims


def add(connection: Connection, *sites: str) -> None:
    for site in sites:
        connection.execute("INSERT INTO SITE_TB (site, heard_at) VALUES (%s, now())", (site,))


def names(claimed: SiteClaims, now: datetime = NOW, most: int = 10) -> list[str]:
    """What is free now, given back at once."""
    with claimed.taken(now, most) as held:
        return [claim.site for claim in held.claims]


def work(claimed: SiteClaims, now: datetime = NOW, done: Done | None = None) -> list[str]:
    with claimed.taken(now, 10) as held:
        for claim in held.claims:
            held.done(claim, done or Done(LATER))
        return [claim.site for claim in held.claims]


def worked(connection: Connection) -> Counter[object]:
    return Counter(site for (site,) in connection.execute("SELECT site FROM worked").fetchall())


def test_who_holds_a_site_holds_it_alone(connection: Connection, here: SiteClaims, there: SiteClaims) -> None:
    add(connection, "a", "b", "c")
    here.follow(NOW)
    with here.taken(NOW, 2) as held:
        assert [claim.site for claim in held.claims] == ["a", "b"]
        assert names(there) == ["c"]
        for claim in held.claims:
            held.done(claim, Done(LATER))
    assert names(there) == ["c"]
    assert names(there, LATER) == ["c", "a", "b"], "the longest due comes first"


def test_a_holder_that_is_killed_leaves_its_site_at_once(
    connection: Connection, here: SiteClaims, database_url: str
) -> None:
    add(connection, "a")
    here.follow(NOW)
    with contextlib.closing(Claimer(database_url)) as other:
        assert other.says() == "a"
        assert names(here) == []
        other.process.send_signal(signal.SIGKILL)
        wait_for(lambda: names(here) == ["a"], "the site")
    assert not worked(connection)


def test_a_holder_that_stands_still_loses_its_site_and_can_do_nothing_more_with_it(
    connection: Connection, here: SiteClaims, database_url: str
) -> None:
    add(connection, "a")
    here.follow(NOW)
    with contextlib.closing(Claimer(database_url, idle_s=0.2)) as other:
        assert other.says() == "a"
        other.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: work(here) == ["a"], "the site")
        other.go_on()
        other.process.send_signal(signal.SIGCONT)
        assert other.says() == "lost"
        assert other.process.wait(60) == 0
    assert not worked(connection)
    assert names(here, NOW + 2 * timedelta(seconds=FIRST_WAIT_S)) == [], "nor may it call the site failed"


def test_four_processes_do_each_site_once(connection: Connection, here: SiteClaims, database_url: str) -> None:
    sites = [f"s{number:03}" for number in range(60)]
    add(connection, *sites)
    here.follow(NOW)
    with contextlib.ExitStack() as all_of_them:
        others = [all_of_them.enter_context(contextlib.closing(Claimer(database_url, f"p{n}"))) for n in range(4)]
        held = [other.says() for other in others]
        assert sorted(held) == sites[:4]
        others[0].process.kill()  # with a site in its hand

        def drive(other: Claimer) -> None:
            with contextlib.suppress(BrokenPipeError):
                other.go_on()
                while other.says():
                    if other.says():
                        other.go_on()

        threads = [threading.Thread(target=drive, args=(other,)) for other in others[1:]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert worked(connection) | {held[0]: 1} == dict.fromkeys(sites, 1)
    assert set(work(here)) <= {held[0]}, "left only where the three had ended before the killed one was noticed"


def test_a_site_whose_work_fails_lets_the_others_come_first(connection: Connection, here: SiteClaims) -> None:
    add(connection, "bad", "good")
    here.follow(NOW)
    now = NOW
    for attempt in range(3):
        with pytest.raises(ZeroDivisionError), here.taken(now) as held:
            assert [(claim.site, claim.failed) for claim in held.claims] == [("bad", attempt)]
            held.done(held.claims[0], Done(LATER))
            raise ZeroDivisionError
        assert work(here, now) == ([] if attempt else ["good"])
        now += timedelta(seconds=FIRST_WAIT_S * 2**attempt)
        assert names(here, now - SECOND) == []
    assert work(here, now) == ["bad"]
    with here.taken(LATER, 2) as held:
        assert {claim.failed for claim in held.claims} == {0}


@pytest.mark.parametrize("limit", ["statement_timeout", "idle_in_transaction_session_timeout"])
def test_a_site_whose_work_the_database_ends_lets_the_others_come_first(
    connection: Connection, here: SiteClaims, limit: str
) -> None:
    """It is cancelled, or takes too long: it is the longest due, at each try."""
    add(connection, "bad", "good")
    here.follow(NOW)
    for attempt in range(2):
        with pytest.raises(SiteWorkFailed), here.taken(NOW + attempt * WAIT) as held:
            assert [(claim.site, claim.failed) for claim in held.claims] == [("bad", attempt)]
            held.cursor.execute(f"SET LOCAL {limit} = '10ms'".encode())
            if limit == "statement_timeout":
                held.cursor.execute("SELECT pg_sleep(60)")
            wait_for(lambda: not idle(connection), "the end of the transaction")
            held.done(held.claims[0], Done(LATER))
        assert work(here) == ([] if attempt else ["good"])


def idle(connection: Connection) -> bool:
    """Whether somebody stands still in a transaction."""
    query = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
    return connection.execute(query).fetchone() is not None


@pytest.mark.parametrize("state", ["53100", "25006", "42501"])
def test_no_site_waits_for_a_database_that_refuses_to_everybody(
    connection: Connection, here: SiteClaims, state: str
) -> None:
    add(connection, "a")
    here.follow(NOW)
    with pytest.raises(DatabaseRefuses), here.taken(NOW) as held:
        held.cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$".encode())
    with here.taken(NOW) as held:
        assert [(claim.site, claim.failed) for claim in held.claims] == [("a", 0)]


def test_no_site_waits_for_a_database_that_was_away(
    connection: Connection, here: SiteClaims, postgres_url: str, database_url: str
) -> None:
    add(connection, "a")
    here.follow(NOW)
    with pytest.raises(DatabaseDown), here.taken(NOW) as held, away(postgres_url, database_url):
        held.done(held.claims[0], Done(LATER))
    with here.taken(NOW) as held:
        assert [(claim.site, claim.failed) for claim in held.claims] == [("a", 0)]


def test_sites_come_and_go(connection: Connection, here: SiteClaims, there: SiteClaims) -> None:
    assert names(here) == []
    add(connection, "a", "b")
    here.follow(NOW)
    assert names(here) == ["a", "b"]
    with there.taken(NOW) as held:
        connection.execute("DELETE FROM SITE_TB")
        here.follow(NOW)  # does not wait for the one that is held
        assert names(here) == []
        held.done(held.claims[0], Done(NOW))
    here.follow(NOW)
    assert connection.execute("SELECT count(*) FROM SITE_WORK_TB").fetchone() == (0,)


def test_a_site_is_due_as_soon_as_the_minute_is_there_that_it_waits_for(
    connection: Connection, here: SiteClaims, there: SiteClaims
) -> None:
    add(connection, "a")
    here.follow(NOW)
    wanted = minute_of(NOW)
    work(here, done=Done(LATER, wants_through=wanted, done_through=wanted - 60, state={"sensors": ["가"]}))
    closed = "UPDATE SITE_TB SET closed_through = %s"
    connection.execute(closed, (NOW - timedelta(minutes=1),))
    here.follow(NOW)
    assert names(here) == []
    connection.execute(closed, (NOW,))
    with there.taken(LATER) as held:
        here.follow(NOW)  # does not wait for one that is held
        held.done(held.claims[0], Done(LATER, wanted, wanted - 60, held.claims[0].state))
    assert names(here) == []
    here.follow(NOW)
    with here.taken(NOW) as held:
        (claim,) = held.claims
    assert (claim.closed_through, claim.done_through, claim.done_at) == (wanted, wanted - 60, LATER)
    assert claim.state == {"sensors": ["가"]}


def test_a_site_has_its_own_zone_or_that_of_the_center(connection: Connection, here: SiteClaims) -> None:
    add(connection, "a", "b", "c")
    connection.execute("UPDATE SITE_TB SET timezone = 'Europe/Rome' WHERE site = 'b'")
    connection.execute("UPDATE SITE_TB SET timezone = 'Nowhere/At all' WHERE site = 'c'")
    here.follow(NOW)
    with here.taken(NOW, 3) as held:
        assert [claim.zone for claim in held.claims] == [SEOUL, ZoneInfo("Europe/Rome"), SEOUL]
