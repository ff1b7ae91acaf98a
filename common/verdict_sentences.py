"""Every sentence of the verdict, by code: what it is, more about it, and what to do."""

from typing import NamedTuple

from common.messages import message
from common.verdict import FAULT, GOOD, LEAK, SILENT, TROUBLE, WATCH


class Words(NamedTuple):
    """`word` is readable from two metres; `detail` in fragments, each left out if one of its values is not known;
    `todo` is what to do, empty if nothing is."""

    word: str
    detail: tuple[str, ...] = ()
    todo: str = ""


KINDS = {
    GOOD: message("all is well"),
    WATCH: message("keep watch"),
    FAULT: message("an instrument is faulty"),
    SILENT: message("no data"),
    TROUBLE: message("the system is in trouble"),
    LEAK: message("a leak is suspected"),
}
# Parts of the box; a process is called by its role.
PARTS = {
    "rows": message("newest row"),
    "disk": message("disk"),
    "log": message("log"),
    "groups": message("groups"),
    "clock": message("clock"),
    "incidents": message("incident records"),
    "delivery": message("server"),
    "database": message("database"),
    "certificate": message("certificate"),
    "topic": message("topic"),
    "weather": message("weather"),
}
SENSOR = message("sensor {sensor}")

_SILENT = message("nothing for {silent_s}")
_IDLE = message("no progress for {idle_s}")
_METER = message("see to the meter, the cable and the producer")
_LOG = message("see logs/{role}.log; if it stays so, type: sudo systemctl restart hydrolog")
_SERVER_LOG = message("see logs/server.log")
_WAITING_ROWS = message("{rows} rows wait in the log, none is lost")
_STAGE = (
    message("acknowledged by {acknowledged_by} {acknowledged_s} ago"),
    message("shelved by {shelved_by} for {shelved_s}"),
)
_INCIDENT = (message("for {lasted_s}"), message("about {size}"), "{reason}", *_STAGE)

SENSORS = {
    "normal": Words(message("normal")),
    "planned": Words(message("planned work"), ("{reason}", message("no row for {silent_s}"))),
    "shelved": Words(message("shelved"), _STAGE),
    "late": Words(message("late"), (_SILENT,)),
    "no-data": Words(message("no data"), (_SILENT,), _METER),
    "no-rows": Words(message("no rows yet"), todo=message("see to the meter and its number in the settings")),
    "no-sum": Words(
        message("no sum"),
        (_SILENT, message("no row of {meters}"), message("it is {formula}")),
        message("see its meters"),
    ),
    "future-row": Words(message("row of the future")),
    "leak": Words(
        message("leak suspected"),
        _INCIDENT,
        message("check planned work; if there is none, listen at night"),
    ),
    "fault": Words(message("instrument fault"), _INCIDENT, message("look at the instrument and its wiring")),
    "supply": Words(message("supply changed"), _INCIDENT, message("check valves, pumps and the reservoir")),
    "outage": Words(
        message("supply outage suspected"),
        _INCIDENT,
        message("check whether water comes; then valves, pumps, power"),
    ),
    "watch": Words(message("watch"), _INCIDENT),
    "unregistered": Words(
        message("not registered"),
        (message("its rows are kept"),),
        message("type: hydrolog sensors add {sensor}"),
    ),
}
PROCESSES = {
    "running": Words(message("running")),
    "starting": Words(message("starting")),
    "busy": Words(message("busy"), (_IDLE,)),
    "waiting": Words(message("waiting"), ("{reason}", message("for {waiting_s}"))),
    "unreadable": Words(message("unreadable"), (message("its health file cannot be understood"),)),
    "not-started": Words(
        message("not started"),
        (message("it has published no state since this box was started"),),
        _LOG,
    ),
    "stopped": Words(
        message("stopped"),
        (message("its process has ended; another should start within seconds"),),
        _LOG,
    ),
    "given-up": Words(
        message("stopped for good"),
        (message("it ended {ended_s} ago, and no other is started"),),
        _LOG,
    ),
    "stalled": Words(message("stalled"), (_IDLE,), _LOG),
}
BOX = {
    "fresh": Words(message("fresh")),
    "late-rows": SENSORS["late"],
    "silent-rows": Words(message("no data"), (message("nothing for {silent_s} from any sensor"),), _METER),
    "first-rows": Words(
        message("no rows yet"),
        todo=message("see to the meter and the cable; register sensors: hydrolog sensors add"),
    ),
    "future-rows": Words(
        message("rows of the future"),
        (
            message("a clock that was wrong made rows up to {newest}, {ahead_s} ahead"),
            message("they came from the site {site}"),
        ),
        message("if the clock of this box is right, type: hydrolog clock confirm --go-on (or on the page: Upkeep)"),
    ),
    "clock-doubted": Words(
        message("doubted"),
        (message("readings wait until it is confirmed"),),
        message("if it is right, type: hydrolog clock confirm --go-on (or on the page: Upkeep)"),
    ),
    "no-database": Words(message("no answer"), (_WAITING_ROWS, "{reason}")),
    "disk-full": Words(message("full"), (message("only {free_bytes} are free"),), message("make room")),
    "log-large": Words(
        message("large"),
        (message("{log_bytes} of rows wait: a group lags behind"),),
        message("type: hydrolog status"),
    ),
    "groups-unknown": Words(message("unknown"), (message("how far they have come cannot be read"),), _SERVER_LOG),
    "backlog": Words(message("is behind"), (_WAITING_ROWS,)),
    "token-refused": Words(
        message("refuses the token"),
        (message("answer {status}; rows wait in the log, none is lost"),),
        message("renew the token"),
    ),
    "rows-refused": Words(
        message("refuses rows"),
        (message("{refused} in a row; rows wait in the log, none is lost"),),
        message("ask whoever runs the server; see the folder rejected"),
    ),
    "weather-missing": Words(
        message("not fetched"),
        ("{reason}", message("for {lasted_s}")),
        message("to try it, type: sudo hydrolog check"),
    ),
    "certificate-ends": Words(
        message("to be renewed"),
        (message("it ends in {left_s}"), message("it ended {ended_s} ago")),
        message("type: hydrolog certificate --renew"),
    ),
    "incidents-damaged": Words(
        message("file damaged"),
        (message("it cannot be read; the flags of the rows count"),),
        _SERVER_LOG,
    ),
    "acts-damaged": Words(
        message("notes damaged"),
        (message("some of what people did about incidents cannot be read"),),
    ),
}
_ASK_CLUSTER = message("ask whoever runs the cluster")
CENTER = {
    "many-sites": Words(message("of many sites")),
    "topic-expired": Words(
        message("rows are gone"),
        (message("its retention has removed {rows} that were not read"),),
        message("raise retention.ms; let the boxes send them again: hydrolog resend"),
    ),
    "topic-anew": Words(
        message("made anew"),
        (message("{rows} partitions are read from their beginning; rows of the old ones may be missing"),),
        _ASK_CLUSTER,
    ),
    "topic-cut": Words(
        message("has lost rows"),
        (message("it ends {rows} before what was read; all that it holds is read again"),),
        _ASK_CLUSTER,
    ),
    "topic-unread": Words(
        message("is not read"),
        (message("partition {partitions}: no process reads it"), message("for {unread_s}")),
        message("start hydrolog-consumer --group archive on a machine of the center, or see its log"),
    ),
    "topic-late": Words(
        message("is read late"),
        (message("partition {partitions}: {rows} messages wait"), message("{behind_s} behind")),
        message("start hydrolog-consumer --group archive on another machine, or see why the database is slow"),
    ),
    "topic-strange": Words(
        message("holds what is no row"),
        (message("{rows} messages are set aside in unparsed.tsv"),),
        message("find out who sends them"),
    ),
    "sites-undone": Words(
        message("is behind"),
        (message("{sites} sites have been due for more than 15 min, and no process has taken them"),),
        message("start the process on a machine of the center, or on another one; or see its log"),
    ),
    "sites-failed": Words(
        message("fails for some sites"),
        (message("{sites} sites are tried again within the hour"),),
        message("see the log of the process: site_work_failed"),
    ),
}
WORDS = SENSORS | PROCESSES | BOX | CENTER
