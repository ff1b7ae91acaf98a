"""TLS of the page: the certificate and the key that the settings name, and the newer ones that replace them."""

import logging
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from common import certificates, files
from common.errors import SettingsError
from common.logging_setup import quoted
from common.settings import ReceiverSettings
from common.verdict import CERTIFICATE_ENDS

CERTIFICATE, KEY = "receiver.certificate", "receiver.key"
_ALPN = "http/1.1"  # all that is spoken here

_log = logging.getLogger(__name__)


class Tls:
    """What each handshake uses. A renewed certificate is taken without a restart, as soon as its key fits."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self._stamps = self._now()
        self.context, self._ends_s = self._read()
        self._newest = self.context
        self.context.sni_callback = self._use_newest

    def step(self) -> Mapping[str, int]:
        """Look for newer files; until they can be used, those before go on. When the certificate in use ends, UTC s."""
        stamps = self._now()
        if stamps != self._stamps:
            self._stamps = stamps
            try:
                self._newest, self._ends_s = self._read()
            except SettingsError as error:
                _log.warning("certificate_not_renewed problem=%s", quoted(str(error)))
            else:
                _log.info("certificate_renewed file=%s", quoted(str(self._files[0])))
        return {CERTIFICATE_ENDS: self._ends_s}

    def _read(self) -> tuple[ssl.SSLContext, int]:
        context = context_of(*self._files)
        return context, int(certificates.ends(self._files[0].read_bytes()).timestamp())

    def _now(self) -> tuple[files.Stamp | None, ...]:
        return tuple(files.stamp(path) for path in self._files)

    def _use_newest(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called by each handshake, also of a browser that names no server."""
        connection.context = self._newest


def of_settings(settings: ReceiverSettings) -> Tls | None:
    """None if the page is to speak plain HTTP.

    Raises:
        SettingsError: a file is missing, unreadable or no PEM, or the two do not belong together.
    """
    if not settings.certificate and not settings.key:
        return None
    if not (settings.certificate and settings.key):
        missing = KEY if settings.certificate else CERTIFICATE
        raise SettingsError(missing, f"is missing: {CERTIFICATE} and {KEY} belong together; hydrolog certificate")
    return Tls(Path(settings.certificate), Path(settings.key))


def context_of(certificate: Path, key: Path) -> ssl.SSLContext:
    """For the server's side of a handshake.

    Raises:
        SettingsError: see `of_settings`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # TLS 1.2 at least
    context.options |= ssl.OP_NO_RENEGOTIATION  # one costs the box more than its client
    context.set_alpn_protocols([_ALPN])
    for name, path in ((CERTIFICATE, certificate), (KEY, key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise SettingsError(name, f"cannot read {path}: {error.strerror}") from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(certificate)
    except ssl.SSLError as error:
        raise SettingsError(CERTIFICATE, f"{certificate} is no certificate in PEM form") from error
    try:
        context.load_cert_chain(certificate, key, password=lambda: _encrypted(key))
    except ssl.SSLError as error:
        problem = f"{key} is not the key of {certificate}"
        if error.reason != "KEY_VALUES_MISMATCH":
            problem = f"{key} is no private key in PEM form"
        raise SettingsError(KEY, problem) from error
    return context


def _encrypted(key: Path) -> NoReturn:
    plain = f"openssl pkey -in {key} -out plain.key"
    raise SettingsError(KEY, f"{key} has a password, which nobody types when the box starts: {plain}")
