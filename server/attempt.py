"""Doing what a form asks for, beside the others, and what its page says if it was not done."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.requests import Request

from common.audit import Actor
from common.errors import DatabaseDown, HydrologError
from common.logging_setup import quoted
from common.messages import message
from common.refused import NotPossible, Refused
from server.reader import Reader

MOST_TYPED = 1000  # characters of a field that are shown again

NOT_WRITTEN = message("It could not be written, so nothing has changed. The log of hydrolog-server says why.")
NO_DATABASE = message("The database does not answer, so nothing has changed. Try again later.")

_log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What became of it: the status of the answer, and what was wrong by field; empty: not one field."""

    status: int = 200
    wrong: Mapping[str, str] = {}


DONE = Outcome()


async def attempt(work: Callable[[], object], reader: Reader) -> Outcome:
    """Do it in a thread of its own."""
    try:
        await asyncio.to_thread(work)
    except Refused as error:
        return Outcome(409 if isinstance(error, NotPossible) else 422, {error.field: error.said(reader.words)})
    except HydrologError as error:
        _log.warning("not_written problem=%s", quoted(str(error)))
        sentence = NO_DATABASE if isinstance(error, DatabaseDown) else NOT_WRITTEN
        return Outcome(503, {"": reader.words.say(sentence)})
    return DONE


def said(request: Request, reader: Reader, sentences: Mapping[str, str]) -> str:
    """What the page says after it was done, by the parameter of the address; empty if nothing was."""
    sentence = sentences.get(request.query_params.get("done", ""), "")
    return reader.words.say(sentence) if sentence else ""


def actor(request: Request) -> Actor:
    """Who sends the form, and from where. Only of a request that needs a role."""
    return Actor(request.state.user.name, request.state.address)


def typed(request: Request, *names: str) -> dict[str, str]:
    """The fields of the form as they were typed; empty for what is not in it."""
    return {name: request.state.form.get(name, "")[:MOST_TYPED] for name in names}
