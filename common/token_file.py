"""Secrets: from the environment, or from a file that only its owner can read; never in the settings themselves."""

import codecs
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from common.errors import SettingsError


def read_token(variable: str, token_file: str, key: str, environ: Mapping[str, str] = os.environ) -> str:
    """A secret from its environment variable, or from a file that only its owner can read.

    Raises:
        SettingsError: there is no secret, others can read the file, or it is not one line of printable ASCII.
    """
    token = environ.get(variable, "")
    if not token:
        if not token_file:
            raise SettingsError(key, f"no token: name a file here that holds it, or set {variable}")
        token = _read_secret(Path(token_file), key)
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise SettingsError(key, "the token must be one line of printable ASCII without spaces")
    return token


def _read_secret(path: Path, key: str) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise SettingsError(key, f"{path} can be read by others; run: chmod 600 {path}")
        return path.read_bytes().removeprefix(codecs.BOM_UTF8).decode("ascii").strip()
    except OSError as error:
        # Not the name: it may be the token itself, written in the wrong place.
        problem = f"cannot read the file that it names ({error.strerror}); names begin at the settings file's folder"
        raise SettingsError(key, problem) from error
    except UnicodeDecodeError as error:
        raise SettingsError(key, f"{path} is not ASCII text") from error
