"""Part of `hydrolog check`: whether the page's certificate can be used, and for how long."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cli.check_result import CheckResult
from cli.shell import printable
from common import certificates
from common.clock import local_text
from common.errors import SettingsError
from common.settings import Settings
from common.settings_checks import is_loopback
from server import tls
from situation.judge import CERTIFICATE_DAYS

_RENEW = "hydrolog certificate --renew, or as it was made"


def certificate(chosen: Settings, now: datetime) -> Iterator[CheckResult]:
    """The certificate: its key fits, and it does not end soon."""
    receiver = chosen.receiver
    try:
        used = tls.of_settings(receiver)
    except SettingsError as error:
        yield CheckResult(False, "certificate", f"{printable(error)}; hydrolog-server does not start with it")
        return
    if used is None:
        here = is_loopback(receiver.host)
        text = "none: the page is plain HTTP, on this box only" if here else "none; make one: hydrolog certificate"
        yield CheckResult(here, "certificate", text)
        return
    pem = Path(receiver.certificate).read_bytes()
    ends = certificates.ends(pem)
    text = f"for {printable(', '.join(certificates.names_of(pem)))}, until {local_text(ends, chosen.site.zone)}"
    good = (ends - now).days >= CERTIFICATE_DAYS
    yield CheckResult(good, "certificate", text if good else f"{text}: renew it ({_RENEW})")
