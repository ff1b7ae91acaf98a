"""For tests: a serial server that speaks RFC 2217, with pyserial's own side of it, on a free port of the loopback."""

import contextlib
import socket
import threading

import serial
from serial import rfc2217

DEADLINE_S = 120.0
CONTROL = rfc2217.IAC + rfc2217.SB + rfc2217.COM_PORT_OPTION + rfc2217.SERVER_SET_CONTROL


class SerialServer:
    """One connection at a time. `send` is what the meter says. As ser2net, it may never answer one kind of option."""

    def __init__(self, *, answers_control: bool = True) -> None:
        self._answers_control = answers_control
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(DEADLINE_S)
        self.url = f"rfc2217://127.0.0.1:{self._listening.getsockname()[1]}"
        self.heard = b""

    def accept(self) -> None:
        """Wait for somebody to connect and let the negotiation run."""
        self._connection, _ = self._listening.accept()
        self.port = serial.serial_for_url("loop://")  # a pty has no control lines
        self._manager = rfc2217.PortManager(self.port, self)  # type: ignore[arg-type]  # any port, any writer
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def write(self, data: bytes) -> None:
        """The manager's answers."""
        if not self._answers_control and CONTROL in data:
            return
        self._connection.sendall(data)

    def send(self, data: bytes) -> None:
        self.write(b"".join(self._manager.escape(data)))

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._connection.recv(4096):
                self.heard += b"".join(self._manager.filter(data))

    def left(self) -> None:
        """Wait for the other end to close."""
        self._reader.join(DEADLINE_S)
        self._connection.close()

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._reader.join(DEADLINE_S)
        self._connection.close()

    def close(self) -> None:
        self.hang_up()
        self._listening.close()
