"""Ports of this machine for the servers of the tests."""

import socket


def free_port(number: int = 1) -> int:
    """The first of so many ports beside each other that nobody uses, nor has used a moment ago."""
    for _ in range(1000):
        with socket.create_server(("127.0.0.1", 0)) as found:
            first: int = found.getsockname()[1]
        if number == 1 or all(map(_is_unused, range(first, first + number))):
            return first
    raise AssertionError(f"no {number} free ports beside each other")


def _is_unused(port: int) -> bool:
    with socket.socket() as asked:
        try:
            asked.bind(("127.0.0.1", port))  # without the option to take one whose connections end just now
        except (OSError, OverflowError):
            return False
    return True
