"""The look of the panel: colours, spacing, type, light and dark, and the style sheet made from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template

from PyQt6.QtCore import Q_ARG, QMetaObject, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFont, QPalette
from PyQt6.QtWidgets import QApplication

from gui.focus_ring import FocusRing


class Appearance(StrEnum):
    """Which colours to use."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class Tokens:
    """Colours by purpose. Apart from warnings, `accent` is the only colour that is not a grey."""

    window: str
    surface: str
    raised: str
    border: str
    strong_border: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_tint: str
    chosen: str
    good: str
    caution: str
    bad: str
    parts: tuple[str, str, str, str, str, str]


LIGHT = Tokens(
    window="#F4F5F7",
    surface="#FFFFFF",
    raised="#F1F2F6",
    border="#E3E6EC",
    strong_border="#C6CBD6",
    text="#1A1D24",
    muted="#5D6575",
    faint="#9299A8",
    accent="#4B53D1",
    accent_hover="#3E45B8",
    on_accent="#FFFFFF",
    accent_tint="#EDEEFC",
    chosen="#FFFFFF",
    good="#1F8A5B",
    caution="#B7740B",
    bad="#CC3B3B",
    parts=("#B9BDF3", "#4B53D1", "#7F86E6", "#CBCFDB", "#98A0B3", "#5B6478"),
)
DARK = Tokens(
    window="#121419",
    surface="#1B1E25",
    raised="#252932",
    border="#2B303B",
    strong_border="#454C5C",
    text="#E8EAF0",
    muted="#9CA4B5",
    faint="#6C7485",
    accent="#8A91FF",
    accent_hover="#A3A9FF",
    on_accent="#12131C",
    accent_tint="#262945",
    chosen="#393F4D",
    good="#4CC38A",
    caution="#E2A63B",
    bad="#F2696B",
    parts=("#4C52A8", "#8A91FF", "#686FD6", "#4A5163", "#79829A", "#A9B1C6"),
)

SPACE = 8
"""The unit of all distances, in device-independent pixels."""

SCROLL_BAR = 10
RADIUS = 12
SMALL_RADIUS = 8

_FOLDER = Path(str(files("gui")))


class Theme(QObject):
    """The colours in use; `changed` is emitted when the user or the system picks others.

    Attributes
    ----------
    tokens
        The colours.
    appearance
        What was asked for.
    """

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.tokens = LIGHT
        self.appearance = Appearance.SYSTEM
        self._application: QApplication | None = None

    def install(self, application: QApplication, appearance: Appearance = Appearance.SYSTEM) -> None:
        """Style an application; with `Appearance.SYSTEM`, follow the system's colours from now on."""
        if application is not self._application:
            self._application = application
            application.setStyle("Fusion")
            FocusRing(application)
            hints = application.styleHints()
            assert hints is not None
            hints.colorSchemeChanged.connect(self._follow_system)
        sheet = self._choose(appearance)
        if sheet != application.styleSheet():  # Qt restyles every widget even for the same one.
            application.setStyleSheet(sheet)

    def use(self, appearance: Appearance) -> None:
        """Change the colours from the event loop, with the application's current font."""
        # Restyling all widgets takes long. Called from Python, it would hold the interpreter lock and starve the
        # audio threads; called by the event loop, it does not.
        QMetaObject.invokeMethod(
            self._application,
            "setStyleSheet",
            Qt.ConnectionType.QueuedConnection,
            Q_ARG(str, self._choose(appearance)),
        )

    def _choose(self, appearance: Appearance) -> str:
        """Switch to an appearance and return its style sheet."""
        assert self._application is not None
        self.appearance = appearance
        hints = self._application.styleHints()
        assert hints is not None
        dark = appearance is Appearance.DARK or (
            appearance is Appearance.SYSTEM and hints.colorScheme() == Qt.ColorScheme.Dark
        )
        self.tokens = DARK if dark else LIGHT
        self._application.setPalette(_palette(self.tokens))
        self.changed.emit()
        return style_sheet(self.tokens, self._application.font().pointSizeF())

    def _follow_system(self, scheme: Qt.ColorScheme) -> None:
        self.use(self.appearance)

    def colour(self, name: str, alpha: float = 1.0) -> QColor:
        """Return a token's colour for painting; do not modify it."""
        return _colour(getattr(self.tokens, name), alpha)


@cache
def _colour(value: str, alpha: float) -> QColor:
    colour = QColor(value)
    colour.setAlphaF(alpha)
    return colour


theme = Theme()
"""The one theme of the process."""


def font(scale: float = 1.0, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the system's font, scaled; it follows the user's own font size."""
    result = QApplication.font()
    result.setPointSizeF(result.pointSizeF() * scale)
    result.setWeight(weight)
    return result


def _palette(tokens: Tokens) -> QPalette:
    """Return the palette for what the style sheet does not cover."""
    palette = QPalette()
    role = QPalette.ColorRole
    for roles, value in (
        ((role.Window,), tokens.window),
        ((role.Base, role.Button, role.ToolTipBase), tokens.surface),
        ((role.AlternateBase,), tokens.raised),
        ((role.Text, role.WindowText, role.ButtonText, role.ToolTipText), tokens.text),
        ((role.PlaceholderText,), tokens.faint),
        ((role.Highlight, role.Link, role.Accent), tokens.accent),
        ((role.HighlightedText,), tokens.on_accent),
    ):
        for one in roles:
            palette.setColor(one, QColor(value))
    for one in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, one, QColor(tokens.faint))
    return palette


def style_sheet(tokens: Tokens, points: float) -> str:
    """Return the application's style sheet for a base size of type."""
    return Template((_FOLDER / "style.qss").read_text(encoding="utf-8")).substitute(
        vars(tokens),
        arrow=(_FOLDER / "images" / "arrow.svg").as_posix(),
        check=(_FOLDER / "images" / "check-white.svg").as_posix(),
        scroll_bar=SCROLL_BAR,
        radius=RADIUS,
        small_radius=SMALL_RADIUS,
        small=f"{points * 0.88:.1f}pt",
        base=f"{points:.1f}pt",
        large=f"{points * 1.15:.1f}pt",
        title=f"{points * 1.45:.1f}pt",
        hero=f"{points * 1.9:.1f}pt",
    )
