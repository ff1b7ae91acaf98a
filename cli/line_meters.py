"""``hydrolog line meters``: known meters, and the settings of one of them to paste."""

import sys
from importlib import resources

from common.errors import SettingsError
from common.options import Parser


def run(args: list[str]) -> int:
    """Without a name the list."""
    parser = Parser(
        prog="hydrolog line meters",
        description="List the meters whose registers are known, or print the settings of one of them to paste.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a name of the list")
    known = descriptions()
    name = parser.parse_args(args).name
    if name is None:
        width = max(map(len, known))
        lines = [f"{one:<{width}}  {text.splitlines()[0].removeprefix('# ')}" for one, text in known.items()]
        sys.stdout.write("\n".join([*lines, "The settings of one: hydrolog line meters NAME\n"]))
        return 0
    if name not in known:
        raise SettingsError("NAME", f"{name!r} is not known; known are {', '.join(known)}")
    sys.stdout.write(known[name])
    return 0


def descriptions() -> dict[str, str]:
    """The settings of each known meter, by its name; their first line says what it is."""
    folder = resources.files("cli") / "meters"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return {entry.name.removesuffix(".toml"): entry.read_text("utf-8") for entry in files}
