"""What is wrong with a port that does not open, and what a person can do about it."""

import errno
import grp
import socket
import stat
import termios
from pathlib import Path

_GROUP_MAY = stat.S_IRGRP | stat.S_IWGRP
# What a person can do, by error number.
_ADVICE = {
    errno.ENOENT: "there is no such device; waiting for it",
    errno.ENODEV: "there is no such device; waiting for it",
    errno.ENXIO: "there is no such device; waiting for it",
    errno.EBUSY: "another program has it open; waiting for it",
    errno.ENOTTY: "it is not a serial port",
    errno.ECONNREFUSED: "connection refused: the device is there, but not on this port; is the port number right?",
    errno.ETIMEDOUT: "no answer; is the gateway on, and the address right?",
    errno.EHOSTUNREACH: "no way to that address; is the gateway on, and the network cable in?",
    errno.ENETUNREACH: "no way to that address; is the network cable in?",
}
# The same, where the text alone tells.
_SAID = {
    "exclusively lock": _ADVICE[errno.EBUSY],
    "support RFC2217": "the other end does not speak RFC 2217: write socket:// in place of rfc2217:// in line.url",
}


def advice(url: str, error: Exception) -> str:
    """What is wrong, and what a person can do about it."""
    cause = error.__context__ or error  # pyserial keeps only the text of some errors
    number = getattr(error, "errno", None) or getattr(cause, "errno", None)
    if isinstance(cause, termios.error):
        number = cause.args[0]
    if number == errno.EACCES:
        return f"permission denied; {_group_advice(url)}"
    if number == errno.EPERM:
        return f"the service may not open this kind of device: sudo systemctl edit hydrolog, DeviceAllow={url} rw"
    if isinstance(cause, socket.gaierror):
        return "there is no such host; write its address, like 10.0.0.7"
    if isinstance(cause, TimeoutError):
        return _ADVICE[errno.ETIMEDOUT]
    if known := next((advice for said, advice in _SAID.items() if said in str(error)), ""):
        return known
    return _ADVICE.get(number or 0) or str(error).removeprefix(f"Could not open port {url}: ")


def _group_advice(url: str) -> str:
    try:
        state = Path(url).stat()
        group = grp.getgrgid(state.st_gid).gr_name
    except (OSError, KeyError):
        return "this user may not open it"
    if state.st_gid == 0 or state.st_mode & _GROUP_MAY != _GROUP_MAY:
        return f"no group may open it either; see: ls -l {url}, and deploy/99-serial.rules"
    return f"join the group that may: sudo usermod -aG {group} $USER, then log in again"
