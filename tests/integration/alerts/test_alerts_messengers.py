"""Messengers that are away, hang, refuse or are new; what a kill or a full disk in between does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alerts_box import LEAK, Site, told, webhook
from http_server import HttpServer, answer, drop, hang, in_turn, send

from common.errors import LogError
from consumer.alerts import state as alerts_state


def test_after_an_outage_of_the_messenger_everything_is_told_and_nothing_twice(
    site: Callable[..., Site], server: HttpServer
) -> None:
    server.behave = in_turn(answer(503), drop, answer(200))
    here = site()
    alerts = here.alerts()
    fault = here.raises("fault", "SYS-STUCK")
    here.rows("S000")
    counters = alerts.step(here.clock.now())
    assert counters["lag"] == 0  # the rows do not wait for the messenger
    assert "alerts.urls 1 (json) does not take messages" in counters["problem"]
    alerts.step(here.clock.now())
    assert len(server.requests) == 1  # not again at once
    here.ends(fault)
    leak = here.leak()
    here.clock.pass_(minutes=11)
    alerts.step(here.clock.now())
    alerts.close()
    alerts = here.alerts()  # it is kept on disk
    here.clock.pass_(minutes=11)
    counters = alerts.step(here.clock.now())
    alerts.close()
    assert counters["problem"] == "" and counters["waiting"] == 0
    assert told(server)[2:] == [f"+{leak.id}", f"-{fault.id}"]


def test_one_messenger_that_is_away_holds_back_no_other(site: Callable[..., Site], server: HttpServer) -> None:
    with HttpServer(answer(500)) as broken:
        here = site(webhook(broken, "other"))
        alerts = here.alerts()
        here.leak()
        alerts.step(here.clock.now())
        assert told(server) == [f"+{LEAK}"]
        broken.behave = answer(200)
        here.clock.pass_(minutes=11)
        alerts.step(here.clock.now())
        alerts.close()
        assert told(server) == [f"+{LEAK}"]
        assert told(broken) == [f"+{LEAK}", f"+{LEAK}"]  # once refused, once taken


def test_an_address_that_is_added_hears_of_what_is_up_and_the_others_hear_nothing_again(
    site: Callable[..., Site], server: HttpServer
) -> None:
    here = site()
    alerts = here.alerts()
    here.leak()
    alerts.step(here.clock.now())
    leak, fault = here.known[0], here.raises("fault", "SYS-STUCK")
    here.rows("S0L0")
    here.ends(fault)
    here.rows("00L0")
    here.clock.pass_(minutes=2)
    alerts.step(here.clock.now())
    alerts.close()
    before = len(server.requests)
    with HttpServer(answer(503)) as added:
        more = {"alerts__urls": ",".join([webhook(added, "added"), webhook(server)])}
        here.settings = site(**more).settings
        for _ in range(2):  # it is away at first, and the process is started again meanwhile
            alerts = here.alerts()
            alerts.step(here.clock.now())
            alerts.close()
        added.requests.clear()
        added.behave = answer(200)
        alerts = here.alerts()
        here.clock.pass_(minutes=11)
        alerts.step(here.clock.now())
        assert told(added) == [f"+{LEAK}"]
        assert len(server.requests) == before
        here.ends(leak)
        alerts.step(here.clock.now())
        alerts.close()
        assert told(added) == [f"+{LEAK}", f"-{LEAK}"]
        assert told(server)[-1] == f"-{LEAK}"


def test_a_redirect_is_not_a_delivery(site: Callable[..., Site], server: HttpServer) -> None:
    server.behave = lambda one, _, connection: send(connection, 302, Location=f"http://127.0.0.1:{one.port}/")
    here = site()
    alerts = here.alerts()
    here.leak()
    counters = alerts.step(here.clock.now())
    alerts.close()
    assert counters["waiting"] == 1


def test_a_messenger_that_hangs_is_given_up(
    site: Callable[..., Site], server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = site()
    alerts = here.alerts()
    server.behave = hang
    monkeypatch.setattr(alerts._dispatcher._messengers, "_deadline_s", 2.0)
    here.leak()
    assert "no answer in 2 s" in alerts.step(here.clock.now())["problem"]
    alerts.close()


def test_a_lost_commit_or_a_lost_reset_tells_nothing_again(site: Callable[..., Site], server: HttpServer) -> None:
    here = site(log__groups="alerts,archive")
    alerts = here.alerts()
    here.leak()
    here.leak_over()
    here.rows(count=5)
    alerts.step(here.clock.now())
    alerts.close()
    (here.settings.paths.data / "groups" / "alerts").unlink()
    alerts = here.alerts()
    here.rows()
    assert alerts.step(here.clock.now())["lag"] == 0
    alerts.close()
    assert len(server.requests) == 1


def test_a_state_that_cannot_be_written_holds_the_commit_and_tells_nothing_twice(
    site: Callable[..., Site], server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = site()
    alerts = here.alerts()
    here.leak()

    def full(_data: Path, _state: alerts_state.AlertState) -> None:
        raise LogError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(alerts_state, "store", full)
        for _ in range(3):
            with pytest.raises(LogError):
                alerts.step(here.clock.now())
    assert alerts.step(here.clock.now())["lag"] == 0
    alerts.close()
    assert told(server) == [f"+{LEAK}"]
