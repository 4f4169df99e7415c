"""One voice: portrait, name and outline, with buttons to hear it and a menu to manage it."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QAbstractButton, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui.focus_ring import has_ring
from gui.icons import set_icon
from gui.language import tr
from gui.phrases import translated
from gui.theme import RADIUS, SPACE, theme
from gui.view.voices import Outline, duration_text
from gui.widgets.labels import ElidedLabel, label
from gui.widgets.portrait import Portrait
from gui.widgets.waveform import Waveform
from rtvc.voices.voice import Voice

WIDTH = 190
"""Width in pixels at which another column of cards fits."""

ROOM_BESIDE_WORDS = 104
"""Pixels for the icons, paddings and margins beside the words of the buttons."""


class VoiceCard(QAbstractButton):
    """A voice to choose; checked while it is in use. Signals carry the voice's name.

    Parameters
    ----------
    voice
        The voice. The user's own voices can be renamed and deleted.
    favourite
        Whether the user marked it.
    slot
        Number of the hotkey that chooses it, or None.
    slots
        How many hotkeys there are.
    """

    chosen = pyqtSignal(str)
    play_wanted = pyqtSignal(str)
    preview_wanted = pyqtSignal(str)
    favourite_wanted = pyqtSignal(str)
    rename_wanted = pyqtSignal(str)
    duplicate_wanted = pyqtSignal(str)
    export_wanted = pyqtSignal(str)
    delete_wanted = pyqtSignal(str)
    clean_wanted = pyqtSignal(str)
    slot_wanted = pyqtSignal(str, int)

    def __init__(
        self, voice: Voice, favourite: bool, slot: int | None, slots: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.name = voice.name
        self.own = voice.folder is not None
        self.playing = False
        self.favourite = favourite
        self.slot = slot
        self.setCheckable(True)
        self.setAccessibleName(tr("Voice {name}", name=self.name))
        description = translated(voice.description)
        self.setAccessibleDescription(description or voice.credit or tr("your own voice"))
        self.setToolTip("\n".join(filter(None, (description, voice.credit))))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE + 2, SPACE + 2, SPACE - 2, SPACE - 2)
        column.setSpacing(SPACE // 2)
        column.addLayout(self._heading(voice))
        self.waveform = Waveform()
        inset = QHBoxLayout()
        inset.setContentsMargins(0, 0, SPACE - 2, 0)
        inset.addWidget(self.waveform)
        column.addLayout(inset)
        bottom = QHBoxLayout()
        bottom.setSpacing(0)
        self.play = self._tool("play", tr("Play the original recording of {name}", name=self.name), tr("Original"))
        self.play.clicked.connect(lambda: self.play_wanted.emit(self.name))
        self.preview = self._tool(
            "preview", tr("Hear a sentence converted into {name}", name=self.name), tr("Preview")
        )
        self.preview.clicked.connect(lambda: self.preview_wanted.emit(self.name))
        self.more = self._tool("more", tr("More for {name}", name=self.name))
        self.more.setMenu(self._menu(slots))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        bottom.addWidget(self.play)
        bottom.addWidget(self.preview)
        bottom.addStretch(1)
        bottom.addWidget(self.more)
        column.addLayout(bottom)
        self.toggled.connect(self.waveform.set_selected)
        self.clicked.connect(lambda: self.chosen.emit(self.name))
        theme.changed.connect(self.update)

    def _heading(self, voice: Voice) -> QHBoxLayout:
        """Portrait, name and register; star and slot at the right."""
        heading = QHBoxLayout()
        heading.setSpacing(SPACE)
        heading.addWidget(Portrait(self.name))
        words = QVBoxLayout()
        words.setSpacing(0)
        title = ElidedLabel(self.name)
        title.setStyleSheet("font-weight: 600;")
        self._register = translated(voice.register)
        self.caption = ElidedLabel("", "caption")
        for line in (title, self.caption):
            line.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            words.addWidget(line)
        heading.addLayout(words, 1)
        self._number = label("" if self.slot is None else str(self.slot), "caption")
        heading.addWidget(self._number)
        star, colour = ("star-filled", "accent") if self.favourite else ("star", "faint")
        explanation = (
            tr("Remove {name} from the favourites", name=self.name)
            if self.favourite
            else tr("Make {name} a favourite", name=self.name)
        )
        self.star = self._tool(star, explanation)
        set_icon(self.star, star, colour, size=16)
        self.star.clicked.connect(lambda: self.favourite_wanted.emit(self.name))
        heading.addWidget(self.star)
        return heading

    def _menu(self, slots: int) -> QMenu:
        menu = QMenu(self.more)
        self.rename_action = menu.addAction(tr("Rename…"), lambda: self.rename_wanted.emit(self.name))
        menu.addAction(tr("Duplicate…"), lambda: self.duplicate_wanted.emit(self.name))
        menu.addAction(tr("Export…"), lambda: self.export_wanted.emit(self.name))
        self.clean_action = menu.addAction(
            tr("Remove noise from the recording"), lambda: self.clean_wanted.emit(self.name)
        )
        self.slot_menu = QMenu(tr("Hotkey"), menu)
        for number in range(slots + 1):
            words = tr("Hotkey {number}", number=number) if number else tr("None")
            action = self.slot_menu.addAction(words, partial(self.slot_wanted.emit, self.name, number))
            assert action is not None
            action.setCheckable(True)
            action.setChecked(number == (self.slot or 0))
        menu.addMenu(self.slot_menu)
        menu.addSeparator()
        self.delete_action = menu.addAction(tr("Delete"), lambda: self.delete_wanted.emit(self.name))
        for action in (self.rename_action, self.clean_action, self.delete_action):
            assert action is not None
            action.setEnabled(self.own)
        return menu

    def sizeHint(self) -> QSize:
        """Return the size of the content."""
        return super().minimumSizeHint().expandedTo(QSize(WIDTH, self.minimumSizeHint().height()))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Show only the icons of the buttons where their words do not fit."""
        super().resizeEvent(event)
        self._fit_words()

    def changeEvent(self, event: QEvent | None) -> None:
        """Look again whether the words fit when the font changes: the style sheet's comes after the first layout."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange and hasattr(self, "preview"):
            self._fit_words()

    def _fit_words(self) -> None:
        words = sum(self.fontMetrics().horizontalAdvance(button.text()) for button in (self.play, self.preview))
        fits = self.width() >= words + ROOM_BESIDE_WORDS
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if fits else Qt.ToolButtonStyle.ToolButtonIconOnly
        for button in (self.play, self.preview):
            button.setToolButtonStyle(style)

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
        return (self, self.star, self.play, self.preview, self.more)

    def explain_number(self, keys: str) -> None:
        """Show which keys choose this voice, if any."""
        self._number.setToolTip(tr("{keys} chooses this voice", keys=keys) if keys else "")

    def set_outline(self, outline: Outline) -> None:
        """Show the outline of the reference."""
        self.waveform.set_envelope(outline.envelope)
        duration = duration_text(outline.seconds) if outline.seconds else ""
        self.caption.setText(" · ".join(filter(None, (self._register, duration))))

    def set_playing(self, playing: bool) -> None:
        """Show that the reference or the preview is playing; the button then stops it."""
        self.playing = playing
        set_icon(self.play, "stop" if playing else "play", "accent" if playing else "muted", size=16)
        self.play.setAccessibleName(
            tr("Stop playing {name}", name=self.name)
            if playing
            else tr("Play the original recording of {name}", name=self.name)
        )
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
        strong = checked or has_ring(self)
        width = 2 if strong else 1
        hover = "strong_border" if self.underMouse() else "border"
        border = "accent" if strong else hover
        painter.setPen(QPen(theme.colour(border), width))
        painter.setBrush(theme.colour("accent_tint" if checked else "surface"))
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS - 2, RADIUS - 2)

    def _tool(self, picture: str, explanation: str, words: str = "") -> QToolButton:
        button = QToolButton(self)
        button.setToolTip(explanation)
        button.setAccessibleName(explanation)
        set_icon(button, picture, "muted", size=16)
        if words:
            button.setText(words)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setProperty("role", "caption")
        return button
