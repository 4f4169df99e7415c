"""The user's VST3 and Audio Unit plug-ins: tried in tasks, with their windows in processes of their own.

Lives on the GUI thread.
"""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal

from gui.tasks import Control, Tasks
from rtvc.app import effects
from rtvc.dsp.plugins import PluginEffect, PluginReport

MOST_WINDOWS = 16
"""Windows of plug-ins open at a time. Each waits on a thread, so they have their own and hold up no other task."""


class PluginsModel(QObject):
    """Tells what plug-ins are like, and shows their windows.

    Signals
    -------
    described
        The name of a plug-in whose `reports` entry is there now.
    edited
        A plug-in's effect before its window was opened, and with the values that were set there.
    failed
        A sentence for the user.
    """

    described = pyqtSignal(str)
    edited = pyqtSignal(object, object)
    failed = pyqtSignal(str)

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._windows = Tasks(self, MOST_WINDOWS)
        self._asked: set[str] = set()
        self.reports: dict[str, PluginReport] = {}

    def describe(self, effect: PluginEffect) -> None:
        """Try a plug-in once; `described` or `failed` follows."""
        name = effect.plugin
        if name in self._asked:
            return
        self._asked.add(name)

        def done(report: PluginReport) -> None:
            self.reports[name] = report
            if warning := report.warning(name):
                self.failed.emit(warning)
            self.described.emit(name)

        def failed(sentence: str) -> None:
            self._asked.discard(name)
            self.failed.emit(sentence)

        self._tasks.start(lambda control: effects.try_plugin(PluginEffect(name)), done, failed)

    def show_window(self, effect: PluginEffect) -> None:
        """Show a plug-in's own window until the user closes it; `edited` tells each change."""

        def work(control: Control) -> None:
            last = effect

            def changed(new: PluginEffect | None) -> None:
                nonlocal last
                control.check()
                if new is not None:
                    self.edited.emit(last, new)
                    last = new

            effects.show_plugin_window(effect, changed)

        self._windows.start(work, failed=self.failed.emit)

    def close(self) -> None:
        """Close all windows."""
        self._windows.close()
