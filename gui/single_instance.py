"""One panel per user: a second one brings the first one's window forward and quits.

Lives on the GUI thread. The socket lies in the user's runtime folder (0700), out of reach of other users.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from hashlib import sha256

from platformdirs import user_config_path, user_runtime_path
from PyQt6.QtCore import QObject
from PyQt6.QtNetwork import QLocalServer, QLocalSocket

ANSWER_MILLISECONDS = 1000
GREETING = b"rtvc panel: showing its window\n"
"""Only this answer counts, so a foreign listener at the same place cannot keep the panel from starting."""


def panel_address() -> str | None:
    """Return where this user's panel listens; None where there is no folder of the user's own for the socket."""
    name = f"panel-{sha256(str(user_config_path('rtvc', appauthor=False)).encode()).hexdigest()[:16]}"
    if sys.platform == "win32":
        return f"rtvc-{name}"  # a named pipe, which only this user may open
    folder = user_runtime_path("rtvc", appauthor=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found, parent = folder.lstat(), folder.parent.stat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or parent.st_uid not in (0, os.getuid()):
            return None
        folder.chmod(0o700)
    except OSError:
        return None
    return str(folder / name)


def call_first(address: str) -> bool:
    """Ask a running panel to show its window; return whether one answered within 1 s."""
    socket = QLocalSocket()
    socket.connectToServer(address)
    if not socket.waitForConnected(ANSWER_MILLISECONDS):
        return False
    answer = b""
    while len(answer) < len(GREETING) and socket.waitForReadyRead(ANSWER_MILLISECONDS):
        answer += socket.readAll().data()
    return answer == GREETING


class FirstInstance(QObject):
    """Listens for later panels and calls `show` for each. Where it cannot listen, several panels may run."""

    def __init__(self, address: str, show: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer)
        self._show = show
        QLocalServer.removeServer(address)  # left behind by a crash, or foreign
        self._server.listen(address)

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def _answer(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.write(GREETING)
            socket.disconnectFromServer()
        self._show()
