"""``python -m demo.parent_watch``: runs supervisord so that it ends with its parent, even if that is killed."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h: the signal when the parent dies


def main() -> None:
    """Request the signal, then exec supervisord; the request survives exec."""
    parent = int(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the request
        return
    os.execv(sys.executable, [sys.executable, "-P", "-m", "supervisor.supervisord", *sys.argv[2:]])


if __name__ == "__main__":
    main()
