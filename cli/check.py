"""`hydrolog check`: check the installation. Each line says ok, or what to do."""

import os
from itertools import chain

from rich.text import Text

from cli import shell
from cli.checks import LOOKS
from cli.checks_certificate import certificate
from cli.checks_detectability import leaks
from cli.checks_loggers import loggers
from cli.checks_secrets import secrets
from cli.checks_sites import of_sites
from cli.checks_weather import weather
from cli.checks_zones import zones
from common import settings


def run(args: list[str]) -> int:
    """Check everything; exit code 0 if all is well, 1 if something needs fixing.

    Raises:
        SettingsError: the settings are wrong; then nothing else is checked.
    """
    options = shell.parser(
        "check",
        "Check settings, secrets, folder, clock, log, port, database and server. Nothing is changed, no row is sent. "
        "Exit code 1: something needs fixing; 2: the settings are wrong.",
    ).parse_args(args)
    chosen = settings.load(options.config)
    _check_line(chosen)
    _check_night(chosen)
    console = shell.console()
    source = options.config or os.environ.get(settings.CONFIG) or "defaults and environment"
    console.print(_line(True, "settings", shell.printable(source)), soft_wrap=True)
    now = shell.site_clock(chosen.paths.data).now()
    all_well = True
    looks = (look(chosen, now) for look in (certificate, *LOOKS, weather, zones, loggers, of_sites, leaks))
    for finding in chain(secrets(chosen, options.config), *looks):
        all_well &= finding.ok
        console.print(_line(*finding), soft_wrap=True)
    return 0 if all_well else 1


def _check_line(chosen: settings.Settings) -> None:
    """Incompletely described meters would stop the producer, so they are a settings error here too."""
    from producer.protocols import check_meters

    check_meters(chosen.line)


def _check_night(chosen: settings.Settings) -> None:
    """Times that do not define a night would stop nightflow, so they are a settings error here too."""
    from nightflow.window import plan_of

    plan_of(chosen)


def _line(ok: bool, subject: str, text: str) -> Text:
    word, style = ("ok ", "green") if ok else ("FIX", "bold red")
    return Text.assemble((word, style), f"  {subject}: {text}")
