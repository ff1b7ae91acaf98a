"""``python -m demo.parent_watch``: supervisord that ends with whoever started it, even if that one is killed."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h: the signal that this process gets when its parent dies


def main() -> None:
    """Ask the kernel for the signal, then become supervisord; the wish outlives the change of program."""
    parent = int(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        return
    os.execv(sys.executable, [sys.executable, "-P", "-m", "supervisor.supervisord", *sys.argv[2:]])


if __name__ == "__main__":
    main()
