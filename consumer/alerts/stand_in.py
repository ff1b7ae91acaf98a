"""Plain English sentences of an incident, until the catalogues have them."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from common.clock import minute_start
from incidents.life import Stage
from incidents.reading import Known


@dataclass(frozen=True)
class Told:
    title: str
    what: str
    why: tuple[str, ...]
    todo: tuple[str, ...]
    life: str


def told(known: Known, name: str, language: str, zone: ZoneInfo, minute: int) -> Told:
    incident, life = known

    def local(at: int) -> str:
        return f"{minute_start(at).astimezone(zone):%Y-%m-%d %H:%M}"

    span = f"since {local(incident.began)}" if incident.ended is None else f"until {local(incident.ended)}"
    size = f", {incident.size.flow_m3h:.1f} m3/h ± {incident.size.error_m3h:.1f}" if incident.size else ""
    why = tuple(f"{sign.code} {sign.numbers}" for sign in incident.up)
    state = "" if life.stage is Stage.OPEN else f"{life.stage} by {life.by}"
    over = "" if incident.ended is None else ": over"
    return Told(f"[{incident.severity}{over}] {name}", f"{incident.leading.code} {span}{size}.", why, ("Look.",), state)
