"""`hydrolog NAME ...`: the commands for people. Each is one file of this folder, imported only when it is called."""

import importlib
import importlib.util
import os
import sys

from common.errors import HydrologError, SettingsError
from common.logging_setup import speak_in_any_locale
from common.version import NAME, version

# name (of one or two words) -> module, what it does.
COMMANDS = {
    "demo": ("cli.demo", "run the whole pipeline on recorded data, faster than life"),
    "check": ("cli.check", "look at settings, port, folder, database and server, and say what to do"),
    "status": ("cli.status", "how each process and each sensor is doing"),
    "tail": ("cli.tail", "watch the rows as they come in"),
    "sensors": ("cli.sensors", "list, add and remove sensors, and say when an instrument was replaced"),
    "init-db": ("cli.init_db", "make the tables of a database of your own"),
    "load": ("cli.load", "load recorded minutes into the database"),
    "night": ("cli.night", "what each night says about leakage, and what is known of a sensor's nights"),
    "calendar": ("cli.calendar_", "planned work and holidays: list, add, remove"),
    "criteria": ("cli.criteria", "what is usual at each sensor: show, compare and learn anew"),
    "forecast": ("cli.forecast", "report how good the forecasts were, beside the usual week, with plots"),
    "backtest outliers": ("cli.backtest_outliers", "judge the outlier methods on labelled events"),
    "backtest forecasts": ("cli.backtest_forecasts", "judge the forecasts on the past"),
    "simulate": ("cli.simulate", "play a meter on a virtual serial line"),
    "replay": ("cli.replay", "run recorded minutes through the pipeline as fast as it can"),
    "alerts": ("cli.alerts", "send a test alarm, show what would have been sent"),
    "resend": ("cli.resend", "send rows to the server once more"),
    "log": ("cli.log_", "verify the log, show its groups and rows"),
    "line": ("cli.line", "listen to the serial line"),
    "clock": ("cli.clock", "confirm the box's clock after a step"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit code (2 for bad usage or settings)."""
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
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `hydrolog tail | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _usage() -> str:
    there = {name: text for name, (module, text) in COMMANDS.items() if _is_there(module)}
    width = max(map(len, there))
    lines = [f"  {name:<{width}}  {text}" for name, text in there.items()]
    more = "hydrolog COMMAND --help says more; hydrolog --version says which one this is."
    return "usage: hydrolog COMMAND [OPTIONS]\n\n" + "\n".join(lines) + f"\n\n{more}\n"


if __name__ == "__main__":
    raise SystemExit(main())
