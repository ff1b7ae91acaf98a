"""The one place that takes secrets out of text that leaves a process: messages, logs, what is given to the support."""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from common.settings import KAFKA_PASSWORD, RECEIVER_TOKEN, SERVER_TOKEN, WEATHER_KEY, Settings

HIDDEN = "[hidden]"
SHORT = 6  # characters: a shorter secret is only hidden where it stands alone, or every word would lose its letters
LEAST = 4  # of a variable whose name says that it is secret: "1" or "yes" is none
PIECE = 8  # of an alert's address: such services put tokens in place of hosts and paths
MOST_TOKEN_BYTES = 4096

# What looks like a secret, whoever wrote it.
_IN_ADDRESS = re.compile(r"(?<=://)[^\s/@\"'<>]+(?=@)")
_BEARER = re.compile(r"(?i)\b(bearer|basic) +[^\s\"',;]+")
_NAMED = re.compile(  # not {key}, which stands for one
    r"(?i)(\w{0,40}(?:password|passwd|secret|api_?key|token)[\"']?\s*[=:]\s*[\"']?)(?!\{key\})[^\s\"'&,;]+"
)
_NAME_OF_SECRET = re.compile(r"(?i)pass|token|secret|key|credential|auth")


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, as they are and as they stand in an address, in JSON or in a quoted text."""
    whole = {secret for secret in secrets if secret}
    forms = whole | {form for secret in whole for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= SHORT:
            text = text.replace(form, HIDDEN)
        else:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])", HIDDEN, text)
    return text


def _forms(secret: str) -> set[str]:
    in_quotes = {json.dumps(secret), json.dumps(secret, ensure_ascii=False), ascii(secret), repr(secret)}
    in_address = {quote(secret, safe=""), quote(secret), unquote(secret)}
    return {*in_address, *(text[1:-1] for text in in_quotes)} - {""}


def hide_all(text: str, secrets: Iterable[str]) -> str:
    """As `hide`, and all that looks like a secret: for text that others wrote, or that is older than the settings."""
    text = _IN_ADDRESS.sub(HIDDEN, hide(text, secrets))
    return _NAMED.sub(rf"\1{HIDDEN}", _BEARER.sub(rf"\1 {HIDDEN}", text))


def of_settings(chosen: Settings) -> set[str]:
    """Every secret that the settings, the files they name, or the environment hold."""
    proxies = (chosen.server.proxy, chosen.weather.proxy)
    addresses = (chosen.server.url, *proxies, chosen.line.url, chosen.log.url)
    found = {chosen.database.url, *proxies, *chosen.alerts.addresses}
    found |= {secret for url in addresses for secret in _of_address(url)}
    found |= _of_words(chosen.database.url) | _of_address(chosen.database.url, user=False)  # half of them: postgres
    found |= {piece for url in chosen.alerts.addresses for piece in (*_of_address(url), *_pieces(url))}
    files = {
        SERVER_TOKEN: chosen.server.token_file,
        RECEIVER_TOKEN: chosen.receiver.token_file,
        KAFKA_PASSWORD: chosen.kafka.password_file,
        WEATHER_KEY: chosen.weather.key_file,
    }
    for variable, file in files.items():
        found |= {os.environ.get(variable, ""), _in_file(file)}
    for name, value in os.environ.items():
        found |= _of_address(value, user=False)
        if _NAME_OF_SECRET.search(name) and len(value) >= LEAST and not value.startswith("/"):
            found.add(value)
    return found - {""}


def _in_file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            return file.read(MOST_TOKEN_BYTES).decode("utf-8", "replace").strip("\ufeff \t\r\n")
    except OSError:  # not named, or not there
        return ""


def _of_address(url: str, *, user: bool = True) -> set[str]:
    """The password, the values after the question mark, and a user without a password, which may be a token."""
    try:
        parts = urlsplit(url)
        name, password, query = parts.username, parts.password, parse_qsl(parts.query)
    except ValueError:
        return {url}
    values = {value for key, value in query if len(value) >= PIECE or _NAME_OF_SECRET.search(key)}
    return {
        each
        for each in (password, unquote(password or ""), name if user and password is None else None, *values)
        if each
    }


def _of_words(url: str) -> set[str]:
    """The passwords among key=value words."""
    found = re.findall(r"(?:ssl)?password\s*=\s*(?:'((?:\\.|[^'\\])*)'|((?:\\.|[^\s'\\])*))", url)
    return {form for pair in found for word in pair for form in (word, re.sub(r"\\(.)", r"\1", word)) if form}


def _pieces(url: str) -> set[str]:
    """The parts of an alert's address that may be a service's token."""
    return {piece for piece in re.split(r"[/@:?&=,]+", url) if len(piece) >= PIECE}
