"""One panel per user: a second one asks the first to show its window, or to press a hotkey, and quits.

Lives on the GUI thread. The socket lies in the user's runtime folder (0700), out of reach of other users.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from functools import partial
from hashlib import sha256

from platformdirs import user_config_path, user_runtime_path
from PyQt6.QtCore import QObject
from PyQt6.QtNetwork import QLocalServer, QLocalSocket

ANSWER_MILLISECONDS = 1000
SHOW = "show"
LONGEST_REQUEST = 64
GREETING = b"rtvc panel: done\n"
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


def call_first(address: str, request: str = SHOW) -> bool:
    """Ask a running panel to show its window or to press the named hotkey; return whether it answered within 1 s."""
    socket = QLocalSocket()
    socket.connectToServer(address)
    if not socket.waitForConnected(ANSWER_MILLISECONDS):
        return False
    socket.write(f"{request}\n".encode())
    answer = b""
    while len(answer) < len(GREETING) and socket.waitForReadyRead(ANSWER_MILLISECONDS):
        answer += socket.readAll().data()
    return answer == GREETING


class FirstInstance(QObject):
    """Listens for later panels. Where it cannot listen, several panels may run.

    `show` is called for a panel that was started again, `press` with the name of a hotkey to press.
    """

    def __init__(
        self, address: str, show: Callable[[], None], press: Callable[[str], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._accept)
        self._show = show
        self._press = press
        QLocalServer.removeServer(address)  # left behind by a crash, or foreign
        self._server.listen(address)

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def _accept(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(partial(self._answer, socket))
            self._answer(socket)

    def _answer(self, socket: QLocalSocket) -> None:
        """Do what a whole line asks for."""
        if not socket.canReadLine():
            if socket.bytesAvailable() > LONGEST_REQUEST:
                socket.abort()
            return
        request = socket.readLine().data().decode(errors="replace").strip()
        socket.write(GREETING)
        socket.disconnectFromServer()
        if request == SHOW:
            self._show()
        else:
            self._press(request)
