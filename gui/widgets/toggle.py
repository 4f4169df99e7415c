"""A switch with an icon and a word, such as bypass and mute."""

from __future__ import annotations

from PyQt6.QtCore import QSize
from PyQt6.QtWidgets import QPushButton, QSizePolicy, QWidget

from gui.icons import set_icon


class Toggle(QPushButton):
    """A checkable button; a `danger` one turns red while it is on."""

    def __init__(self, text: str, icon: str, danger: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setCheckable(True)
        self.setProperty("kind", "toggle")
        self.setProperty("danger", "true" if danger else "false")
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        set_icon(self, icon, "muted", "bad" if danger else "accent")

    def minimumSizeHint(self) -> QSize:
        """Return the width that the whole text needs."""
        return self.sizeHint()
