"""The state of a version that knew no incidents: what it told stays told."""

import json
from collections.abc import Callable
from typing import Any

from alerts_box import FIRST, LEAK, Site, told, webhook
from http_server import HttpServer

from common.folder import ALERTS_STATE_FILE
from messengers.addresses import names


def old_event(code: str, method: str, minute: int, **more: Any) -> dict[str, Any]:
    whole = {
        "sensor": "001",
        "channel": "flow",
        "method": method,
        "code": code,
        "severity": "leak",
        "reason": "flow up",
    }
    return whole | {"since": minute, "raised": minute, "letter": "", "cleared": None, "cleared_reason": ""} | more


def test_a_leak_that_was_told_is_not_told_again_and_its_end_is(site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    leak, box = old_event("LEAK", "PREDICT", FIRST), old_event("BOX-LOG", "BOX", FIRST, sensor="", channel="log")
    was_up = old_event("SYS-STUCK", "SYSTEM", FIRST - 100, severity="fault", cleared=FIRST - 50)
    told_ids = ["001/flow/LEAK/20240826T0300Z", "box/log/BOX-LOG/20240826T0300Z"]
    queue = {
        "waiting": {"001/flow/SYS-STUCK/20240826T0120Z": was_up, "001/flow/LEAK/20240826T0300Z": leak},
        "quiet": {"001/flow/PRE-STEP/20240826T0200Z": old_event("PRE-STEP", "PREDICT", FIRST - 60, severity="watch")},
        "told": dict.fromkeys(told_ids),
        "sent_s": [FIRST * 60.0],
        "sent_leaks_s": [],
        "more": {},
        "held_since_s": None,
    }
    state = {"log_id": "x", "offset": 7, "minute": FIRST, "up": [leak, box], "known": ["y"], "digest_day": "2024-08-26"}
    state["queues"] = {names([webhook(server)])[0]: queue}
    (here.settings.paths.data / ALERTS_STATE_FILE).write_text(json.dumps(state))
    here.rows("00L0")
    alerts = here.alerts()
    here.step(alerts)  # the producer has no incidents yet
    here.minute = FIRST
    here.leak()
    here.minute = FIRST - 600
    here.ends(here.raises("fault", sensor="004"))  # ended long ago
    here.step(alerts, minutes=1)
    assert told(server) == ["-001/flow/SYS-STUCK/20240826T0120Z"]
    here.minute = FIRST + 2
    here.ends(here.known[0])
    for _ in range(7):
        here.step(alerts, minutes=1)
    alerts.close()
    assert told(server)[1:] == [f"-{LEAK}", "-box/log/BOX-LOG/20240826T0300Z"]
