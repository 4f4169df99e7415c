"""One voice: name and outline, with buttons to play, preview, rename and delete."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QAbstractButton, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui.icons import set_icon
from gui.theme import RADIUS, SPACE, theme
from gui.view.voices import Outline, duration_text
from gui.widgets.labels import ElidedLabel, label
from gui.widgets.waveform import Waveform

WIDTH = 156
"""Width in pixels at which another column of cards fits."""


class VoiceCard(QAbstractButton):
    """A voice to choose; checked while it is in use.

    Signals carry the voice's name. `own` voices can be renamed and deleted; `number` is the key that chooses it.
    """

    chosen = pyqtSignal(str)
    play_wanted = pyqtSignal(str)
    preview_wanted = pyqtSignal(str)
    rename_wanted = pyqtSignal(str)
    delete_wanted = pyqtSignal(str)

    def __init__(self, name: str, credit: str, own: bool, number: int | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.own = own
        self.playing = False
        self.setCheckable(True)
        self.setAccessibleName(f"Voice {name}")
        self.setAccessibleDescription(credit or "your own voice")
        if credit:
            self.setToolTip(credit)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE + 4, SPACE + 2, SPACE - 2, SPACE - 2)
        column.setSpacing(SPACE // 2)
        top = QHBoxLayout()
        title = ElidedLabel(name)
        title.setStyleSheet("font-weight: 600;")
        title.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        top.addWidget(title, 1)
        self._number = label("" if number is None else str(number), "caption")
        self._number.setContentsMargins(0, 0, SPACE - 2, 0)
        top.addWidget(self._number)
        column.addLayout(top)
        self.waveform = Waveform()
        inset = QHBoxLayout()
        inset.setContentsMargins(0, 0, SPACE - 2, 0)
        inset.addWidget(self.waveform)
        column.addLayout(inset)
        bottom = QHBoxLayout()
        bottom.setSpacing(0)
        self.duration = ElidedLabel("", "caption", whole=True)
        self.duration.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        bottom.addWidget(self.duration, 1)
        self.play = self._tool("play", f"Play the reference of {name}")
        self.play.clicked.connect(lambda: self.play_wanted.emit(self.name))
        self.preview = self._tool("preview", f"Hear a sentence in the voice of {name}")
        self.preview.clicked.connect(lambda: self.preview_wanted.emit(self.name))
        bottom.addWidget(self.play)
        bottom.addWidget(self.preview)
        if own:
            self.more = self._tool("more", f"Rename or delete {name}")
            menu = QMenu(self.more)
            self.rename_action = menu.addAction("Rename…", lambda: self.rename_wanted.emit(self.name))
            self.delete_action = menu.addAction("Delete", lambda: self.delete_wanted.emit(self.name))
            self.more.setMenu(menu)
            self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            bottom.addWidget(self.more)
        column.addLayout(bottom)
        self.toggled.connect(self.waveform.set_selected)
        self.clicked.connect(lambda: self.chosen.emit(self.name))
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return the size of the content."""
        return super().minimumSizeHint().expandedTo(QSize(WIDTH, self.minimumSizeHint().height()))

    def minimumSizeHint(self) -> QSize:
        """Return the height of the content."""
        inner = self.layout()
        assert inner is not None
        return QSize(0, inner.minimumSize().height())

    def nextCheckState(self) -> None:
        """Keep the check state: the owner sets which card is checked."""

    @property
    def controls(self) -> tuple[QWidget, ...]:
        """The card and its buttons, in tab order."""
        return (self, self.play, self.preview, *([self.more] if self.own else []))

    def explain_number(self, keys: str) -> None:
        """Show which keys choose this voice, if any."""
        self._number.setToolTip(f"{keys} chooses this voice" if keys else "")

    def set_outline(self, outline: Outline) -> None:
        """Show the outline of the reference."""
        self.waveform.set_envelope(outline.envelope)
        self.duration.setText(duration_text(outline.seconds) if outline.seconds else "")

    def set_playing(self, playing: bool) -> None:
        """Show that the reference or the preview is playing; the button then stops it."""
        self.playing = playing
        set_icon(self.play, "stop" if playing else "play", "accent" if playing else "muted", size=16)
        self.play.setAccessibleName(f"Stop playing {self.name}" if playing else f"Play the reference of {self.name}")
        if not playing:
            self.waveform.set_played(0.0)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Choose with Return, rename with F2, delete with Delete."""
        assert event is not None
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif self.own and event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit(self.name)
        elif self.own and event.key() == Qt.Key.Key_F2:
            self.rename_wanted.emit(self.name)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint background and border; the children paint the rest."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        checked = self.isChecked()
        strong = checked or self.hasFocus()
        width = 2 if strong else 1
        hover = "strong_border" if self.underMouse() else "border"
        border = "accent" if strong else hover
        painter.setPen(QPen(theme.colour(border), width))
        painter.setBrush(theme.colour("accent_tint" if checked else "surface"))
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS - 2, RADIUS - 2)

    def _tool(self, picture: str, explanation: str) -> QToolButton:
        button = QToolButton(self)
        button.setToolTip(explanation)
        button.setAccessibleName(explanation)
        set_icon(button, picture, "muted", size=16)
        return button
