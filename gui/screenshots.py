"""Pictures of every page, light and dark, at 100 % and 150 %: the real panel and engine over a recording.

`take_screenshots` starts one process per scale, because Qt reads the scale at start; no window is opened.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from PyQt6.QtCore import qInstallMessageHandler
from PyQt6.QtWidgets import QApplication, QLabel, QWidget

from gui.dialogs.enrolment import EnrolmentDialog
from gui.dialogs.virtual_microphone import VirtualMicrophoneDialog
from gui.main_window import MainWindow
from gui.rehearsal import START_SECONDS, RehearsalEngine, bare_session, rehearsal_session, rest, wait_until
from gui.session import Session
from gui.theme import Appearance, theme
from gui.view.status import Tone
from gui.widgets.labels import ElidedLabel, FittedLabel
from rtvc.errors import RtvcError
from rtvc.live.snapshot import State
from rtvc.storage import make_folder

SCALES = ("1", "1.5")
PAGES = ("live", "models", "settings", "set-up")
SIZES = ((1180, 780), (1400, 900), (1024, 700), (900, 1060), (360, 1000))
SETTLE_SECONDS = 0.3
SPEECH_SECONDS = 5.0
LOUD_DBFS = -30.0


def take_screenshots(folder: Path) -> int:
    """Write the pictures into a folder and say where they are; return an exit code."""
    make_folder(folder)
    for scale in SCALES:
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale}
        code = subprocess.run(
            [sys.executable, "-m", "gui.screenshots", str(folder), scale], env=environment
        ).returncode
        if code:
            return code
    print(f"{len(list(folder.glob('*.png')))} pictures are in {folder.absolute()}")
    return 0


def clipped_labels(widget: QWidget) -> list[str]:
    """Return the texts of visible labels that have less room than they need.

    Labels that shrink or shorten their text by design are left out.
    """
    return [shown.text() for shown in widget.findChildren(QLabel) if _is_clipped(shown)]


def _is_clipped(shown: QLabel) -> bool:
    if not shown.isVisible() or not shown.text() or isinstance(shown, ElidedLabel | FittedLabel):
        return False
    if shown.wordWrap():
        return shown.heightForWidth(shown.width()) > shown.height()
    needed = shown.sizeHint()
    return needed.width() > shown.width() or needed.height() > shown.height()


def _take(folder: Path, scale: str) -> None:
    """Take all pictures at the scale of this process."""
    # The offscreen platform warns that it does not pass on size hints, for every window.
    qInstallMessageHandler(lambda kind, context, message: None)
    application = QApplication(sys.argv[:1])
    theme.install(application, Appearance.LIGHT)
    percent = round(float(scale) * 100)
    with tempfile.TemporaryDirectory() as scratch:
        _first_run(bare_session(Path(scratch)), folder, percent)
    with tempfile.TemporaryDirectory() as scratch:
        session = rehearsal_session(Path(scratch), 3 * START_SECONDS)
        failures: list[str] = []
        session.failed.connect(failures.append)
        window = MainWindow(session)
        window.resize(*SIZES[0])
        window.show()
        session.begin()
        try:
            wait_until(lambda: session.packs.figures is not None or bool(failures))
            session.live.set_power(True)
            wait_until(lambda: session.live.snapshot.state is State.RUNNING or bool(failures))
            rest(SPEECH_SECONDS)
            with suppress(RtvcError):  # a computer that cannot keep up shows that in its picture
                wait_until(
                    lambda: (
                        session.live.status.tone is Tone.GOOD and session.live.snapshot.input_level_dbfs > LOUD_DBFS
                    )
                )
            if failures or session.live.engine is None:
                raise RtvcError("; ".join(failures) or session.live.status.sentence)
            assert isinstance(session.live.engine, RehearsalEngine)
            session.live.engine.freeze()
            for appearance in (Appearance.LIGHT, Appearance.DARK):
                session.preferences.choose(appearance=appearance)
                _pages(window, folder, f"{appearance}-{percent}")
        finally:
            window.close()


def _first_run(session: Session, folder: Path, percent: int) -> None:
    """Take pictures of the first start with nothing plugged in: every step of the guide, then the page, off."""
    window = MainWindow(session)
    window.resize(*SIZES[0])
    window.show()
    session.begin()
    try:
        wait_until(lambda: bool(session.packs.entries))
        for appearance in (Appearance.LIGHT, Appearance.DARK):
            session.preferences.choose(appearance=appearance)
            window.show_guide()
            for index in range(len(window.guide.steps)):
                window.guide.show_step(index)
                _save(window, folder / f"first-run-{index + 1}-{appearance}-{percent}.png")
            window.guide.skip.click()
            _save(window, folder / f"off-{appearance}-{percent}.png")
    finally:
        window.close()


def _pages(window: MainWindow, folder: Path, suffix: str) -> None:
    session, live = window.session, window.live
    window.show_guide()
    for page, tab in zip(PAGES, window.tabs, strict=True):
        tab.click()
        for width, height in SIZES:
            window.resize(width, height)
            _save(window, folder / f"{page}-{width}-{suffix}.png")
    window.guide.skip.click()
    window.resize(*SIZES[0])
    expanders = {"details": (live.meters.details, live.sound.more), "spectrogram": (live.drawer.expander,)}
    expanders["blend"] = (live.voices.blend,)
    for name, opened in expanders.items():
        for expander in opened:
            expander.set_open(True)
        _save(window, folder / f"{name}-{suffix}.png")
        for expander in opened:
            expander.set_open(False)
    menu = live.sound.presets.menu_of_presets
    menu.popup(window.mapToGlobal(window.rect().center()))
    _save(menu, folder / f"presets-{suffix}.png")
    menu.close()
    for name, dialog in (
        ("enrolment", EnrolmentDialog(session, window)),
        ("virtual-microphone", VirtualMicrophoneDialog(session, window)),
    ):
        dialog.show()
        _save(dialog, folder / f"{name}-{suffix}.png")
        dialog.close()


def _save(widget: QWidget, path: Path) -> None:
    rest(SETTLE_SECONDS)
    if clipped := clipped_labels(widget):
        print(f"{path.name}: clipped: {', '.join(clipped)}", file=sys.stderr)
    widget.grab().save(str(path))


if __name__ == "__main__":
    try:
        _take(Path(sys.argv[1]), sys.argv[2])
    except RtvcError as error:
        sys.exit(f"rtvc gui: {error}")
