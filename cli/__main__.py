"""`hydrolog NAME ...`: the commands for people. Each is one file in this folder, imported only when called."""

import importlib
import importlib.util
import os
import sys

from common.errors import HydrologError, SettingsError
from common.logging_setup import harmless, speak_in_any_locale
from common.version import NAME, version

# name (one or two words) -> module, description.
COMMANDS = {
    "demo": ("cli.demo", "run the whole pipeline on recorded data, faster than real time"),
    "check": ("cli.check", "check settings, port, folder, database and server, and say what to do"),
    "status": ("cli.status", "show the state of each process and each sensor"),
    "incidents": ("cli.incidents_", "list what is wrong, and say what you do about it"),
    "tail": ("cli.tail", "show rows as they come in"),
    "sensors": ("cli.sensors", "list, add, place and remove sensors, and record a replaced instrument"),
    "init-db": ("cli.init_db", "create the tables in your own database"),
    "load": ("cli.load", "load recorded minutes into the database"),
    "export": ("cli.export", "write rows of the database as CSV or as a workbook"),
    "report": ("cli.report", "write the report of a month as PDF or as a workbook"),
    "users": ("cli.users", "say who may log in to the page, and show what people did there"),
    "sites": ("cli.sites", "say which sites may deliver to this server, each with its own token"),
    "certificate": ("cli.certificate", "make or renew the certificate of the page"),
    "night": ("cli.night", "show the leakage of each night, and set a sensor's night values"),
    "calendar": ("cli.calendar_", "list, add and remove planned work and holidays"),
    "criteria": ("cli.criteria", "show, compare and rebuild the criteria of each sensor"),
    "weather": ("cli.weather", "add temperature and rain, measured and forecast, for the forecasts"),
    "forecast": ("cli.forecast", "report the forecasts' error compared with the week before, with plots"),
    "backtest outliers": ("cli.backtest_outliers", "run the outlier methods on your own past or on labelled events"),
    "backtest forecasts": ("cli.backtest_forecasts", "run the forecasts on past data"),
    "simulate": ("cli.simulate", "simulate meters on a virtual serial line"),
    "replay": ("cli.replay", "run recorded minutes through the pipeline at full speed"),
    "alerts": ("cli.alerts", "send a test alarm, or show what would have been sent"),
    "resend": ("cli.resend", "send rows to the server again"),
    "log": ("cli.log_", "verify the log, show its groups and rows"),
    "line": ("cli.line", "test the serial line, find out what is on it, list known meters"),
    "backup": ("cli.backup", "write everything that brings this box back into one file"),
    "restore": ("cli.restore", "bring a box back from a backup"),
    "support": ("cli.support", "write what the support needs to know into one file, without secrets"),
    "clock": ("cli.clock", "confirm the box's clock after a jump"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code (2 for wrong usage or settings)."""
    speak_in_any_locale()
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(_usage())
        return 0 if arguments else SettingsError.exit_code
    if arguments[0] == "--version":
        sys.stdout.write(f"{NAME} {version()}\n")
        return 0
    for words in (1, 2):
        module, _ = COMMANDS.get(" ".join(arguments[:words]), ("", ""))
        if module and _is_there(module):
            return _run(module, arguments[words:])
    kinds = [name.split()[1] for name in COMMANDS if name.startswith(f"{arguments[0]} ")]
    problem = f"{arguments[0]} needs one of {', '.join(kinds)}" if kinds else f"there is no command {arguments[0]!r}"
    sys.stderr.write(f"hydrolog: {problem}; see hydrolog --help\n")
    return SettingsError.exit_code


def _run(module: str, arguments: list[str]) -> int:
    try:
        code: int = importlib.import_module(module).run(arguments)
        sys.stdout.flush()
    except HydrologError as error:
        sys.stderr.write(f"{harmless(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `hydrolog tail | head`: the reader has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _usage() -> str:
    there = {name: text for name, (module, text) in COMMANDS.items() if _is_there(module)}
    width = max(map(len, there))
    lines = [f"  {name:<{width}}  {text}" for name, text in there.items()]
    more = "See hydrolog COMMAND --help for details, hydrolog --version for the version."
    return "usage: hydrolog COMMAND [OPTIONS]\n\n" + "\n".join(lines) + f"\n\n{more}\n"


if __name__ == "__main__":
    raise SystemExit(main())
