from pathlib import Path

import pytest

from rtvc.audio_file import AudioFile
from rtvc.benchmark import gate
from rtvc.benchmark.gate import gate_report
from rtvc.voices.library import shipped_voices
from tests.support.libraries import needs_rnnoise
from tests.support.sounds import write


def test_speech_opens_the_gate_that_follows_it_and_breathing_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_rnnoise()
    monkeypatch.setattr(gate, "SECONDS", 4)
    voice = AudioFile(shipped_voices()[0].reference).read(16_000)[:48_000]
    write(tmp_path / "voice.wav", voice, 16_000)
    report = gate_report(tmp_path, None)
    opened, missed = report.results["open"], report.results["missed"]
    assert opened["breathing (made)"]["speech"] < 0.2 < opened["breathing (made)"]["level"]
    assert missed["0 dB quieter"]["speech"] < 0.25
    assert len(report.tables) == 2
