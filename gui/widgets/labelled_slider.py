"""A slider with a heading, its value in words, and the meaning of its ends."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from gui.widgets.labels import label


class _Slider(QSlider):
    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Let the wheel scroll the page unless the slider has the focus: it must not change a voice."""
        if self.hasFocus():
            super().wheelEvent(event)
        elif event is not None:
            event.ignore()


class LabelledSlider(QWidget):
    """A slider over integer positions; `moved` is emitted only for the user's input.

    Parameters
    ----------
    name, explanation
        Its heading, and what it does.
    ends
        What the left and the right end mean; empty for none.
    text
        Returns the words for a position.
    """

    moved = pyqtSignal(int)

    def __init__(
        self,
        name: str,
        explanation: str,
        ends: tuple[str, str],
        text: Callable[[int], str],
        maximum: int = 100,
        minimum: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._text = text
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        heading = QHBoxLayout()
        heading.addWidget(label(name, wrap=True), 1)
        self.value_label = label("", "muted")
        heading.addWidget(self.value_label)
        column.addLayout(heading)
        self.slider = _Slider(Qt.Orientation.Horizontal)
        self.slider.setRange(minimum, maximum)
        # From the left end to a value of zero nothing is set that a filled groove could show.
        self.slider.setProperty("signed", minimum < 0 < maximum)
        self.slider.setAccessibleName(name)
        self.slider.setAccessibleDescription(explanation)
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(explanation)
        column.addWidget(self.slider)
        if any(ends):
            row = QHBoxLayout()
            row.addWidget(label(ends[0], "caption"))
            row.addStretch(1)
            row.addWidget(label(ends[1], "caption"))
            column.addLayout(row)
        self.slider.valueChanged.connect(self._change)
        self.slider.sliderMoved.connect(self._show)
        self._show(self.slider.value())

    def set_position(self, position: int) -> None:
        """Show a position without emitting `moved`."""
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(position)
        self.slider.blockSignals(blocked)
        self._show(self.slider.value())

    def set_maximum(self, maximum: int) -> None:
        """Change the range without emitting `moved`."""
        blocked = self.slider.blockSignals(True)
        self.slider.setMaximum(maximum)
        self.slider.blockSignals(blocked)
        self.slider.setPageStep(max(1, maximum // 10))

    def _change(self, position: int) -> None:
        self._show(position)
        self.moved.emit(position)

    def _show(self, position: int) -> None:
        self.value_label.setText(self._text(position))
