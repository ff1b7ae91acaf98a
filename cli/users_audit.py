"""`hydrolog users audit`: what people have done, in the site's language; for programs as it is kept."""

import argparse
import json
import sys
from typing import Any

from cli import shell
from common import audit, audit_words
from common.audit import Entry
from common.clock import local_text
from common.messages import words
from common.settings import Settings
from incidents.sentences import CAUSE_CODES

RECENT = 50  # entries, without --all
LONGEST_VALUES = 120  # characters


def show(chosen: Settings, options: argparse.Namespace) -> None:
    """The entries, newest last."""
    entries, damaged = audit.load(chosen.paths.data)
    shown = entries if options.all else entries[-RECENT:]
    if options.json:
        shell.say(json.dumps([_plain(entry) for entry in shown], ensure_ascii=False))
    else:
        table = shell.table("time", "user", "from", "what", "", whole=("time", "what"))
        speech = words(chosen.site.language)
        for entry in shown:
            values = ", ".join(f"{name} {text}" for name, text in audit_words.shown(entry.values, speech, CAUSE_CODES))
            texts = [entry.by, entry.address or speech.say("at the box"), audit_words.deed(entry.what, speech)]
            cells = [shell.cell(text) for text in texts] + [shell.cell(values, longest=LONGEST_VALUES)]
            table.add_row(local_text(entry.at, chosen.site.zone), *cells)
        shell.console().print(table)
    if damaged:
        sys.stderr.write(f"{damaged} damaged line{'s' * (damaged != 1)} left out\n")


def _plain(entry: Entry) -> dict[str, Any]:
    shown = {"id": entry.id, "at": entry.at.isoformat(timespec="seconds"), "by": entry.by, "address": entry.address}
    return shown | {"what": entry.what, "values": entry.values}
