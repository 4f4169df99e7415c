"""One panel for each user: a second one brings the first one's window forward, and ends."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from platformdirs import user_config_path
from PyQt6.QtCore import QObject
from PyQt6.QtNetwork import QLocalServer, QLocalSocket

ANSWER_MILLISECONDS = 1000


def panel_name() -> str:
    """Return the name under which the panel of this user, with these preferences, is found."""
    return f"rtvc-panel-{sha256(str(user_config_path('rtvc', appauthor=False)).encode()).hexdigest()[:16]}"


def call_first(name: str) -> bool:
    """Ask the panel that runs already to show itself; return whether it does, by hanging up."""
    socket = QLocalSocket()
    socket.connectToServer(name)
    return socket.waitForConnected(ANSWER_MILLISECONDS) and socket.waitForDisconnected(ANSWER_MILLISECONDS)


class FirstInstance(QObject):
    """Listens for later panels, and calls `show` for each. Where it cannot listen, there may be several."""

    def __init__(self, name: str, show: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer)
        self._show = show
        QLocalServer.removeServer(name)  # what a panel that crashed left behind
        self._server.listen(name)

    def close(self) -> None:
        """Be found no more."""
        self._server.close()

    def _answer(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.deleteLater()
        self._show()
