"""Passwords: which are good enough, and how they are kept."""

import secrets
import unicodedata
from collections.abc import Sequence

import argon2
from argon2.exceptions import Argon2Error, InvalidHashError

from common.messages import message

LEAST = 10  # characters
MOST = 200
LEAST_DIFFERENT = 6  # characters, beside names, common words and runs: most lists of the commonest have fewer
COMMON = """
administrator password passwort passw0rd p@ssw0rd welcome letmein iloveyou sunshine princess football baseball
superman michael computer internet whatever monkey dragon master changeme default secret operator viewer service
support guest admin root test temp login hydrolog waterworks water pressure leakage korea seoul
비밀번호 관리자 상수도 대한민국 암호
"""
RUNS = (
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "1q2w3e4r5t6y7u8i9o0p",
)
RUN = 4  # characters that follow one another in one of these, either way
SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"  # none that looks like another
GENERATED = 16  # characters: 92 bits

# What OWASP recommends for argon2id: 50 ms of one core, 19 MiB.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_OF_NOBODY = _HASHER.hash(secrets.token_hex())

TOO_SHORT = message("A password needs at least 10 characters.")
TOO_LONG = message("A password may have 200 characters.")
TOO_COMMON = message("This password is among the first that anybody would try. Choose another one.")


def problem(password: str, names: Sequence[str] = ()) -> str:
    """What is wrong with a new password; empty if nothing is. `names`: of the user and the site."""
    text = _same(password)
    if len(text) < LEAST:
        return TOO_SHORT
    if len(text) > MOST:
        return TOO_LONG
    return TOO_COMMON if _is_common(text.casefold(), names) else ""


def hashed(password: str) -> str:
    """What is kept of it. Takes a moment, on purpose."""
    return _HASHER.hash(_same(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether it is the password. Takes as long if there is no user, and nothing is kept."""
    text = _same(password)[: MOST + 1]
    try:
        return _HASHER.verify(kept if kept is not None else _OF_NOBODY, text) and kept is not None
    except (Argon2Error, InvalidHashError):
        return False


def generated() -> str:
    """A password that nobody has to think of."""
    return "".join(secrets.choice(SIGNS) for _ in range(GENERATED))


def _same(password: str) -> str:
    """Keyboards write the same Korean or accented letters in different ways; a lone surrogate cannot be hashed."""
    return unicodedata.normalize("NFC", password.encode("utf-8", "replace").decode())


def _is_common(text: str, names: Sequence[str]) -> bool:
    for word in (*(name.casefold() for name in names if name), *COMMON.split()):
        text = text.replace(word, "")
    in_runs = {
        at for start in range(len(text)) if text[start : start + RUN] in _RUNS for at in range(start, start + RUN)
    }
    return len({char for at, char in enumerate(text) if at not in in_runs}) < LEAST_DIFFERENT


_RUNS = {line[at : at + RUN] for run in RUNS for line in (run, run[::-1]) for at in range(len(run) - RUN + 1)}
