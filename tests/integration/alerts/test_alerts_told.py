"""What is told, and when, on a real log with a real webhook."""

from collections.abc import Callable

import pytest
from alerts_box import FIRST, LEAK, Site, bodies, told, twice
from http_server import HttpServer

from common import false_rows, health
from common.false_rows import FalseSpan
from log import mark
from log.mark import Mark
from log.roles import open_for


def test_a_leak_is_told_once_and_its_end_once(site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    alerts = here.alerts()
    here.rows()
    assert alerts.step(here.clock.now())["messages_sent"] == 0
    here.minute = FIRST
    here.leak()
    counters = alerts.step(here.clock.now())
    assert (counters["events_up"], counters["lag"], counters["problem"]) == (1, 0, "")
    (body,) = bodies(server)
    assert body["title"] == "hydrolog site-1: LEAK at sensor 001 (flow)"
    assert body["type"] == "failure"
    assert "LEAK at sensor 001 (flow) since 2024-08-26 12:00: flow is 2.1 m3/h over forecast" in body["message"]
    here.rows("00L0", count=30)
    alerts.step(here.clock.now())
    here.leak_over()
    alerts.step(here.clock.now())
    assert told(server) == [f"+{LEAK}", f"-{LEAK}"]
    alerts.close()


def test_rows_of_a_false_time_raise_no_alarm(site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    alerts = here.alerts()
    here.minute = FIRST
    here.leak()
    log = open_for(here.settings)
    false_rows.add(here.settings.paths.data, FalseSpan(log.log_id, log.end_offset, FIRST - 1))
    log.close()
    assert alerts.step(here.clock.now())["events_up"] == 0
    alerts.close()


def test_all_events_of_one_step_are_one_message(site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    here.finds("raise", "fault", "SYS-STUCK", "stuck")
    here.leak()
    alerts = here.alerts()
    alerts.step(here.clock.now())
    alerts.close()
    (body,) = bodies(server)
    assert body["title"] == "hydrolog site-1: 1 LEAK, 1 FAULT"


def test_faults_are_limited_to_so_many_messages_an_hour_then_one_summary(
    site: Callable[..., Site], server: HttpServer
) -> None:
    here = site(alerts__messages_per_hour="2")
    alerts = here.alerts()
    for _ in range(5):
        for state, flags in (("raise", "S000"), ("clear", "0000")):
            here.finds(state, "fault", "SYS-STUCK", "stuck")
            here.rows(flags)
            here.clock.pass_(minutes=1)
            alerts.step(here.clock.now())
    assert len(server.requests) == 2
    here.leak()
    alerts.step(here.clock.now())
    assert len(server.requests) == 3  # a leak has an allowance of its own, and takes with it what waits
    assert "A summary of what came since" in bodies(server)[-1]["message"]
    here.leak_over()
    alerts.step(here.clock.now())
    assert len(server.requests) == 3
    here.clock.pass_(hours=1)
    alerts.step(here.clock.now())
    alerts.close()
    assert len(server.requests) == 4
    assert len(told(server)) == 2 + 4 + 1 + 1  # the first fault twice (up, over), four that were up, the leak, its end
    assert not twice(told(server))


def test_a_watch_is_told_in_the_digest_only(site: Callable[..., Site], server: HttpServer) -> None:
    here = site(alerts__digest="13:00")  # of Seoul: 04:00 UTC
    alerts = here.alerts()
    alerts.step(here.clock.now())
    here.finds("raise", "watch", "PRE-STEP", "a step")
    here.rows("00W0", "00P")
    alerts.step(here.clock.now())
    assert not server.requests
    alerts.close()
    alerts = here.alerts()
    here.clock.pass_(hours=1)
    alerts.step(here.clock.now())
    alerts.step(here.clock.now())
    alerts.close()
    assert [body["title"] for body in bodies(server)] == ["hydrolog site-1: WATCH at sensor 001 (flow)"]


def test_the_box_tells_of_its_own_trouble(site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    data = here.settings.paths.data
    mark.store(data, Mark(FIRST, 0, "log", {"001": FIRST}))
    alerts = here.alerts()
    alerts.step(here.clock.now())
    refused = health.Health(data, "consumer-server", here.clock.now())
    refused.problem(here.clock.now(), 0.0, "refused", last_status=401, waiting_since=here.clock.now().isoformat())
    here.clock.pass_(minutes=17)
    alerts.step(here.clock.now())
    (body,) = bodies(server)
    assert "FAULT of the box (line) since 2024-08-26 12:01: no data; nothing for 16 min; see to the meter" in body["message"]
    assert "refuses the token; answer 401" in body["message"]
    mark.store(data, Mark(FIRST + 18, 0, "log", {"001": FIRST + 18}))
    for _ in range(7):
        here.clock.pass_(minutes=1)
        alerts.step(here.clock.now())
    alerts.close()
    assert told(server)[2:] == ["-box/line/BOX-LINE/20240826T0317Z"]


def test_planned_work_is_told_to_nobody_and_what_outlasts_it_is(site: Callable[..., Site], server: HttpServer) -> None:
    here = site(alerts__digest="00:00")
    data = here.settings.paths.data
    (data / "criteria").mkdir()
    (data / "criteria" / "planned.txt").write_text("001 2024-08-26 11:00 2024-08-26 13:00 repair\n")  # from 02:00 UTC
    mark.store(data, Mark(FIRST, 0, "log", {"001": FIRST, "002": FIRST}))
    alerts = here.alerts()
    here.finds("raise", "planned", reason="planned work (repair), no alarm: flow is up")
    here.rows("00l0", count=20)
    here.clock.pass_(minutes=40)
    mark.store(data, Mark(FIRST + 40, 0, "log", {"001": FIRST + 10, "002": FIRST + 40}))  # the meter is taken out
    alerts.step(here.clock.now())
    assert not server.requests
    here.finds("clear", "planned")
    here.finds("raise", reason="flow is up; it has outlasted the planned work")
    here.rows("00L0")
    alerts.step(here.clock.now())
    assert [body["title"] for body in bodies(server)] == ["hydrolog site-1: LEAK at sensor 001 (flow)"]
    here.clock.pass_(hours=2)
    mark.store(data, Mark(FIRST + 160, 0, "log", {"001": FIRST + 10, "002": FIRST + 160}))
    alerts.step(here.clock.now())
    alerts.close()
    assert "no row of this sensor" in bodies(server)[-1]["message"]


@pytest.mark.parametrize("content", [b"[]", b"7", b"{", b"\xff", b'{"counters": [], "last_success": 7}'])
def test_a_damaged_health_file_costs_no_alarm(content: bytes, site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    (here.settings.paths.data / "health").mkdir()
    for role in ("consumer-server", "producer"):
        (here.settings.paths.data / "health" / f"{role}.json").write_bytes(content)
    alerts = here.alerts()
    here.leak()
    alerts.step(here.clock.now())
    alerts.close()
    assert told(server) == [f"+{LEAK}"]
