"""A message at the bottom of the window, with an action such as Undo."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from gui.icons import set_icon
from gui.language import tr
from gui.theme import SPACE
from gui.view.status import Tone
from gui.widgets.labels import label, set_tone


class Toast(QFrame):
    """Shows one message at a time; the previous one is settled first.

    A message with an action keeps its time. Of the messages without one that arrive meanwhile, the latest error, or
    else the latest notice, is shown afterwards.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACE, SPACE, SPACE, SPACE)
        self.message = label(wrap=True)
        row.addWidget(self.message, 1)
        self.action = QPushButton()
        self.action.setProperty("kind", "quiet")
        self.action.clicked.connect(self._act)
        row.addWidget(self.action)
        self.dismiss = QToolButton()
        self.dismiss.setAccessibleName(tr("Close the message"))
        set_icon(self.dismiss, "close", "muted", size=16)
        self.dismiss.clicked.connect(self.settle)
        row.addWidget(self.dismiss)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.settle)
        self._on_action: Callable[[], None] | None = None
        self._on_settled: Callable[[], None] | None = None
        self._waiting: tuple[str, Tone, float | None] | None = None
        self.hide()

    def show_message(
        self,
        text: str,
        tone: Tone = Tone.QUIET,
        action: str = "",
        on_action: Callable[[], None] | None = None,
        on_settled: Callable[[], None] | None = None,
        seconds: float | None = None,
    ) -> None:
        """Show a sentence until it is closed or `seconds` have passed.

        `on_action` is called if the user chooses the action, `on_settled` otherwise.
        """
        if self._on_action is not None and not action:
            if self._waiting is None or self._waiting[1] is not Tone.BAD or tone is Tone.BAD:
                self._waiting = (text, tone, seconds)
            return
        self._end(self._on_settled)
        self.message.setText(text)
        self.setAccessibleName(text)
        set_tone(self.message, tone)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self._on_action, self._on_settled = on_action, on_settled
        self.show()
        if seconds is not None:
            self._timer.start(round(seconds * 1000))

    def settle(self) -> None:
        """Close the message without its action."""
        self._end(self._on_settled)
        self._show_waiting()

    def _act(self) -> None:
        self._end(self._on_action)
        self._show_waiting()

    def _end(self, function: Callable[[], None] | None) -> None:
        self._timer.stop()
        self.hide()
        self._on_action = self._on_settled = None
        if function is not None:
            function()

    def _show_waiting(self) -> None:
        if self._waiting is not None and self.isHidden():
            (text, tone, seconds), self._waiting = self._waiting, None
            self.show_message(text, tone, seconds=seconds)
