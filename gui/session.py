"""The panel's models, made and joined: what the widgets are given.

Lives on the GUI thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from PyQt6.QtCore import QObject, pyqtSignal

from gui.language import use_language
from gui.models.devices import DevicesModel, Found, look_for_devices
from gui.models.enrolment import EnrolmentModel
from gui.models.live import LiveModel, OpenEngine
from gui.models.packs import PacksModel
from gui.models.plugins import PluginsModel
from gui.models.preferences import PreferencesModel
from gui.models.previews import PreviewsModel
from gui.models.soundboard import SoundboardModel
from gui.models.voices import VoicesModel
from gui.player import QtPlayer
from gui.tasks import Tasks
from rtvc.app.live import LiveSetup
from rtvc.app.preferences import PreferenceFile
from rtvc.errors import RtvcError
from rtvc.live.live_engine import LiveEngine
from rtvc.remote.opening import open_engine as open_engine_for
from rtvc.settings import Settings
from rtvc.voices.enrolment import EnrolmentLibrary
from rtvc.voices.library import VoiceLibrary

_log = logging.getLogger(__name__)


class Session(QObject):
    """One model per concern, and the sentences of all of them.

    Parameters
    ----------
    player
        Plays references and previews.
    preferences, library, enrolments
        Where things are stored; None for the user's folders.
    open_engine, look
        Stand-ins for the live engine and for the list of devices; None for the real ones.

    Signals
    -------
    failed, noticed
        A sentence for the user: what went wrong, or what they should know.
    """

    failed = pyqtSignal(str)
    noticed = pyqtSignal(str)

    def __init__(
        self,
        player: QtPlayer,
        *,
        preferences: PreferenceFile | None = None,
        library: VoiceLibrary | None = None,
        enrolments: EnrolmentLibrary | None = None,
        open_engine: OpenEngine | None = None,
        look: Callable[[bool], Found] = look_for_devices,
    ) -> None:
        super().__init__()
        library, enrolments = library or VoiceLibrary(), enrolments or EnrolmentLibrary()

        def open_live(setup: LiveSetup, settings: Settings) -> LiveEngine:
            return open_engine_for(
                setup, settings, virtual_microphone=self.devices.microphone, voices=library, enrolments=enrolments
            )

        self._closed = False
        self.tasks = Tasks(self)
        self.preferences = PreferencesModel(preferences or PreferenceFile(), self)
        use_language(self.preferences.options.language)  # before the models that have something to say
        self.devices = DevicesModel(self.preferences, look, self)
        self.live = LiveModel(self.preferences, self.devices, open_engine or open_live, self)
        self.voices = VoicesModel(self.preferences, self.devices, self.tasks, library, self)
        self.previews = PreviewsModel(self.preferences, self.devices, self.tasks, player, self)
        self.enrolment = EnrolmentModel(self.preferences, self.devices, self.live, self.tasks, enrolments, self)
        self.packs = PacksModel(self.preferences, self.tasks, self)
        self.plugins = PluginsModel(self.tasks, self)
        self.soundboard = SoundboardModel(self.preferences, self.live, self.tasks, self)
        self.voices.recording_changed.connect(self.live.read_voices_again)
        self.plugins.edited.connect(self.preferences.replace_effect)
        speakers = (self.live, self.voices, self.previews, self.packs, self.soundboard)
        for model in (self.preferences, self.devices, self.enrolment, self.plugins, *speakers):
            model.failed.connect(self.failed)
        for model in speakers:
            model.noticed.connect(self.noticed)

    def begin(self) -> None:
        """Look for voices, devices and model packs; returns at once."""
        self.preferences.report_load_failure()
        self.voices.reload()
        self.voices.choose_existing()
        self.devices.reload()
        self.packs.reload()
        self.soundboard.reload()

    def close(self) -> None:
        """Stop everything, settle deletions and save the choices; harmless if it was done before.

        The window is about to disappear, so failures go to the terminal, and none keeps the other steps back.
        """
        if self._closed:
            return
        self._closed = True
        self.failed.connect(_log.error)
        for step in (
            self.voices.close,
            self.preferences.close,
            self.live.close,
            self.previews.stop,
            self.plugins.close,
            self.devices.close,
            self.tasks.close,
        ):
            try:
                step()
            except RtvcError as error:
                _log.error(str(error))
            except Exception:
                _log.exception("A fault while the panel was closing")

    @property
    def idle(self) -> bool:
        """Whether no task runs."""
        return self.tasks.idle and self.devices.tasks.idle
