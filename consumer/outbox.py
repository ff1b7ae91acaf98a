"""The frozen batch, `outbox.tsv`: on disk before the first attempt, so each retry sends the same bytes.

    # hydrolog outbox 1 <TAB> key=<site>/<log id>/<first>-<last> <TAB> from=<offset> <TAB> crc=<8 hex>
    <the body, byte for byte>

`from` is the group's commit when the batch was frozen: everything before it was sent. The CRC-32 is over the
header's bytes before its tab and the body. The log's recovery reads the last offset in the key.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from common.errors import LogError
from common.files import replace
from common.folder import OUTBOX_DAMAGED_FILE, OUTBOX_FILE
from common.logging_setup import quoted
from consumer.batch import BatchLine, OutgoingBatch

_HEADER = re.compile(
    rb"# hydrolog outbox 1\tkey=([^\t/]+)/([^\t/]+)/\d{1,18}-\d{1,18}\tfrom=(\d{1,18})\tcrc=([0-9a-f]{8})"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Frozen:
    parcel: OutgoingBatch
    start: int  # the group's commit when the batch was frozen


def store(data: Path, frozen: Frozen) -> None:
    """Freeze a batch, durably.

    Raises:
        LogError: the disk refuses; nothing may be sent then.
    """
    proved = f"# hydrolog outbox 1\tkey={frozen.parcel.key}\tfrom={frozen.start}".encode()
    body = frozen.parcel.body
    try:
        replace(data / OUTBOX_FILE, b"%b\tcrc=%08x\n%b" % (proved, crc32(body, crc32(proved)), body))
    except OSError as error:
        raise LogError(f"cannot write {data / OUTBOX_FILE}: {error.strerror}") from error


def load(data: Path) -> Frozen | None:
    """The stored frozen batch; None if there is none.

    A damaged one is set aside: its rows are still in the log, because they are committed only after delivery.
    """
    path = data / OUTBOX_FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogError(f"cannot read {path}: {error.strerror}") from error
    frozen = parse(raw)
    if frozen is None:
        _log.warning("outbox_damaged set aside as %s, its rows are read from the log again", OUTBOX_DAMAGED_FILE)
        _rename(path, data / OUTBOX_DAMAGED_FILE)
    return frozen


def parse(raw: bytes) -> Frozen | None:
    """The batch in the bytes of an outbox; None if the checksum is wrong."""
    header, _, body = raw.partition(b"\n")
    found = _HEADER.fullmatch(header)
    if not found or b"%08x" % crc32(body, crc32(header[: header.rindex(b"\tcrc=")])) != found[4]:
        return None
    site, log_id = found[1].decode(), found[2].decode()
    lines = tuple(BatchLine(int(text.split("\t", 1)[0]), text) for text in body.decode().split("\n")[:-1])
    return Frozen(OutgoingBatch(site, log_id, lines), int(found[3]))


def remove(data: Path) -> None:
    """Delete the batch after the commit, without a sync: a batch that reappears is before the commit."""
    try:
        (data / OUTBOX_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise LogError(f"cannot remove {data / OUTBOX_FILE}: {quoted(error)}") from error


def _rename(path: Path, to: Path) -> None:
    try:
        path.replace(to)
    except OSError as error:
        raise LogError(f"cannot set {path} aside: {error.strerror}") from error
