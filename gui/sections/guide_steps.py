"""The steps of the setup guide: microphone, virtual microphone, voice, enrolment, applications.

Each step works without the others, so the user can leave the guide at any time and resume it later.
"""

from __future__ import annotations

import sys

from PyQt6.QtCore import QTimer, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QPushButton

from gui.language import number, tr
from gui.models.devices import Use
from gui.models.live import Power
from gui.models.previews import MYSELF_SECONDS, Playing
from gui.phrases import translated
from gui.sections.enrolment import EnrolmentForm
from gui.session import Session
from gui.view.devices import NO_MICROPHONE, has_microphone, listeners_text, steps_text
from gui.view.levels import level_text, tone_verdict
from gui.view.status import Status, Tone
from gui.widgets.card import Card
from gui.widgets.choice import Choice
from gui.widgets.flow import Flow
from gui.widgets.labels import label, set_tone
from gui.widgets.level_meter import LevelMeter
from gui.widgets.status_light import StatusLight
from rtvc.app.devices import device_choices
from rtvc.app.virtual_microphone import application_steps
from rtvc.live.snapshot import Snapshot
from rtvc.voices.voice import Voice

CABLES = {"win32": "https://vb-audio.com/Cable/", "darwin": "https://existential.audio/blackhole/"}
LISTENERS_MILLISECONDS = 1000


class Step(Card):
    """One step of the guide; `enter` and `leave` tell when it is shown."""

    def __init__(self, session: Session, title: str, words: str) -> None:
        super().__init__(title)
        self.session = session
        self.active = False
        self.body.addWidget(label(words, "muted", wrap=True))

    def enter(self) -> None:
        """Start what the step shows live."""
        self.active = True

    def leave(self) -> None:
        """Stop it again."""
        self.active = False


class MicrophoneStep(Step):
    """Pick the microphone; its level moves."""

    def __init__(self, session: Session) -> None:
        super().__init__(
            session, tr("Your microphone"), tr("Say something. If the bar does not move, pick another microphone.")
        )
        self.choice = Choice(tr("Microphone"))
        self.choice.chosen.connect(self._pick)
        self.meter = LevelMeter(tr("Level"))
        self.problem = label("", wrap=True)
        set_tone(self.problem, "bad")
        self.refresh = QPushButton(tr("Refresh the devices"))
        self.refresh.clicked.connect(session.devices.reload)
        for widget in (self.choice, self.meter, self.problem):
            self.body.addWidget(widget)
        actions = Flow()
        actions.add(self.refresh)
        self.body.addWidget(actions)
        session.devices.changed.connect(self._show)
        session.devices.freed.connect(self._listen)
        session.devices.level_heard.connect(self.meter.set_level)
        session.devices.listening_failed.connect(self._fail)
        session.live.polled.connect(self._poll)
        self._failed = False
        self._show()

    def enter(self) -> None:
        """Listen to the microphone."""
        super().enter()
        self._failed = False
        self._listen()

    def leave(self) -> None:
        """Stop listening."""
        super().leave()
        self.session.devices.stop_listening()

    def _listen(self) -> None:
        free = self.session.devices.use is Use.FREE and self.session.live.power is Power.OFF
        if self.active and free and not self._failed and has_microphone(self.session.devices.devices):
            self.session.devices.listen()

    def _pick(self, identity: object) -> None:
        self.session.preferences.rewire(microphone=identity)
        self._failed = False
        # The devices are freed once this has ended, and the new microphone is listened to then.
        self.session.devices.stop_listening()

    def _show(self) -> None:
        devices = self.session.devices.devices
        choices = device_choices(devices, "input")
        self.choice.fill(
            [(choice.identity, translated(choice.label)) for choice in choices],
            self.session.preferences.wiring.microphone,
        )
        self.choice.setVisible(has_microphone(devices))
        self._failed = False
        self.problem.setText("" if has_microphone(devices) else tr(NO_MICROPHONE))

    def _fail(self, sentence: str) -> None:
        self._failed = True
        self.problem.setText(sentence)

    def _poll(self, snapshot: Snapshot, status: Status) -> None:
        if self.active and self.session.live.engine is not None:
            self.meter.set_level(snapshot.input_level_dbfs, snapshot.input_peak_dbfs)


class VirtualMicrophoneStep(Step):
    """Make and test the virtual microphone without being asked."""

    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            tr("The virtual microphone"),
            tr("Other programs record this microphone instead of your own and hear the converted voice."),
        )
        self.state = label("", wrap=True)
        self.verdict = label("", wrap=True)
        self.again = QPushButton(tr("Check again"))
        self.again.clicked.connect(self._check)
        self.download = QPushButton(tr("Open the download page"))
        self.download.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(CABLES[sys.platform])))
        for line in (self.state, self.verdict):
            self.body.addWidget(line)
        actions = Flow()
        actions.add(self.again)
        actions.add(self.download)
        self.body.addWidget(actions)
        self._tested = False
        session.devices.changed.connect(self._show)
        session.devices.freed.connect(self._test)
        session.devices.tone_heard.connect(self._show_tone)
        session.devices.tone_failed.connect(self._fail)
        self._show()

    def enter(self) -> None:
        """Make the microphone where rtvc can, and look for a cable elsewhere."""
        super().enter()
        self._check()

    def _check(self) -> None:
        self._tested = False
        devices = self.session.devices
        if devices.virtual_microphone.name or not devices.virtual_microphone.can_create:
            devices.reload()
        else:
            devices.make_virtual_microphone()

    def _show(self) -> None:
        microphone = self.session.devices.virtual_microphone
        set_tone(self.state, "good" if microphone.name else "")
        self.state.setText(
            "✓ " + tr("“{microphone}” is ready.", microphone=microphone.name)
            if microphone.name
            else translated(microphone.explanation)
        )
        self.download.setVisible(not microphone.name and sys.platform in CABLES)

    def _test(self) -> None:
        devices = self.session.devices
        ready = devices.use is Use.FREE and self.session.live.power is Power.OFF
        if self.active and ready and not self._tested and devices.virtual_microphone.name:
            self._tested = True
            set_tone(self.verdict, "")
            self.verdict.setText(tr("Testing it with a short tone …"))
            devices.test_tone()

    def _show_tone(self, level: float) -> None:
        good, sentence = tone_verdict(level)
        set_tone(self.verdict, "good" if good else "bad")
        self.verdict.setText(
            ("✓ " if good else "") + tr("{sentence} ({level})", sentence=sentence, level=level_text(level))
        )

    def _fail(self, sentence: str) -> None:
        set_tone(self.verdict, "bad")
        self.verdict.setText(sentence)


class VoiceStep(Step):
    """Pick a voice; hear it, then hear yourself in it."""

    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            tr("A voice"),
            tr(
                "Pick a voice and hear it. Then say a sentence and hear yourself in that voice. Nobody else hears it."
            ),
        )
        self.choice = Choice(tr("Voice"))
        self.choice.chosen.connect(lambda name: session.preferences.change(voice=name))
        self.body.addWidget(self.choice)
        self.original = QPushButton(tr("Hear the voice"))
        self.original.clicked.connect(lambda: session.previews.play_reference(self._voice()))
        self.myself = QPushButton()
        self.myself.setProperty("kind", "primary")
        self.myself.clicked.connect(lambda: session.previews.hear_myself(self._voice()))
        actions = Flow()
        actions.add(self.original)
        actions.add(self.myself)
        self.body.addWidget(actions)
        self.hint = label("", "muted", wrap=True)
        self.body.addWidget(self.hint)
        session.voices.changed.connect(self._show)
        session.devices.changed.connect(self._show)
        session.preferences.settings_changed.connect(self._show)
        session.previews.changed.connect(self._show_playing)
        session.previews.recording_progressed.connect(self._show_recording)
        self._show()
        self._show_recording(-1.0)

    def leave(self) -> None:
        """Stop playing and recording."""
        super().leave()
        self.session.previews.stop()

    def _voice(self) -> Voice:
        return self.session.voices.find(self.choice.box.currentData())

    def _show(self) -> None:
        names = [voice.name for voice in self.session.voices.voices]
        self.choice.fill([(name, name) for name in names], self.session.preferences.settings.voice)
        self.original.setEnabled(bool(names))
        self.myself.setEnabled(bool(names) and has_microphone(self.session.devices.devices))

    def _show_recording(self, share: float) -> None:
        self.myself.setText(
            tr("Hear myself in it")
            if share < 0
            else tr("Speak now… {seconds} s", seconds=number(MYSELF_SECONDS * (1 - share)))
        )

    def _show_playing(self, name: str, share: float) -> None:
        words = {
            Playing.RECORDING: tr("Say a sentence."),
            Playing.PREPARING: tr("Converting …"),
            Playing.SOUNDING: tr("Playing."),
        }
        self.hint.setText(words.get(self.session.previews.state, ""))


class EnrolmentStep(Step):
    """Record the enrolment, or skip it."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, tr("Teach rtvc your voice (optional)"), tr("You can skip this and do it later."))
        self.form = EnrolmentForm(session)
        self.body.addWidget(self.form)
        self.start = QPushButton(tr("Start"))
        self.start.clicked.connect(self._start)
        actions = Flow()
        actions.add(self.start)
        self.body.addWidget(actions)
        self.form.ended.connect(lambda succeeded: self._show())
        session.devices.changed.connect(self._show)
        self._show()

    def leave(self) -> None:
        """Cancel a recording."""
        super().leave()
        self.session.enrolment.cancel()

    def _show(self) -> None:
        found = has_microphone(self.session.devices.devices)
        self.start.setEnabled(found)
        if not found:
            self.form.outcome.setText(tr(NO_MICROPHONE))
        elif self.form.outcome.text() == tr(NO_MICROPHONE):
            self.form.outcome.setText("")

    def _start(self) -> None:
        self.start.setEnabled(False)
        self.form.start()


class ApplicationsStep(Step):
    """The menu items of Discord and OBS, and a light that turns green when a program records the microphone."""

    def __init__(self, session: Session) -> None:
        super().__init__(
            session, tr("Discord and OBS"), tr("Choose the virtual microphone in the program you talk in:")
        )
        self.steps = label("", wrap=True)
        self.light = StatusLight()
        self.sentence = label("", "muted", wrap=True)
        for widget in (self.steps, self.light, self.sentence):
            self.body.addWidget(widget)
        self._timer = QTimer(self)
        self._timer.setInterval(LISTENERS_MILLISECONDS)
        self._timer.timeout.connect(session.devices.look_for_listeners)
        session.devices.listeners_found.connect(self._show_listeners)
        session.devices.changed.connect(self._show)
        self._show()
        self._show_listeners([])

    def enter(self) -> None:
        """Look for listeners once a second."""
        super().enter()
        self._timer.start()
        self.session.devices.look_for_listeners()

    def leave(self) -> None:
        """Stop looking."""
        super().leave()
        self._timer.stop()

    def _name(self) -> str:
        return self.session.devices.virtual_microphone.name or tr("the virtual microphone")

    def _show(self) -> None:
        self.steps.setText("\n\n".join(steps_text(steps) for steps in application_steps(self._name())))

    def _show_listeners(self, listeners: list[str] | None) -> None:
        heard, sentence = listeners_text(listeners, self._name())
        words = tr("Unknown") if listeners is None else tr("Heard") if heard else tr("Waiting")
        self.light.set_status(Status(Tone.GOOD if heard else Tone.QUIET, words, sentence))
        self.sentence.setText(sentence)
