"""`rtvc models` on small checkpoints, which it takes for the published ones."""

import sys
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import soundfile
import torch
from typer.testing import CliRunner, Result

from export.published import Models
from export.settings import CPU, PRESETS
from export.synthetic_checkpoint import hifigan_checkpoint, wavlm_checkpoint
from export.wavlm import EncoderSettings
from rtvc.benchmark import fidelity
from rtvc.commands.models import app
from rtvc.errors import RtvcError
from rtvc.packs.catalogue import KNOWN, WAVLM_LARGE, downloads
from rtvc.packs.download import digest
from rtvc.packs.pack import find_pack, installed_packs
from tests.support.small_models import FEW_LAYERS, WAVLM, make_hifigan, make_wavlm
from tests.support.sounds import babble


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Models.load
    monkeypatch.setattr(Models, "load", lambda encoder, vocoder: load(encoder, vocoder, WAVLM, FEW_LAYERS))
    monkeypatch.setattr(fidelity, "MEASURED_SECONDS", 1.0)
    small = replace(CPU, encoder=EncoderSettings(2, 3, 8), vocoder_frames=1)
    monkeypatch.setitem(PRESETS, "cpu", small)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    torch.save(wavlm_checkpoint(make_wavlm()), folder / WAVLM_LARGE.encoder.name)
    torch.save(hifigan_checkpoint(make_hifigan(FEW_LAYERS)), folder / WAVLM_LARGE.vocoder.name)
    return folder


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    (tmp_path / "speech").mkdir()
    for index in range(2):
        soundfile.write(
            tmp_path / "speech" / f"{index}.wav", babble(4.5, WAVLM.sample_rate, index), WAVLM.sample_rate
        )
    return tmp_path / "speech"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], terminal_width=200)


def refused(*words: str | Path) -> str:
    result = run(*words)
    assert isinstance(result.exception, RtvcError), result.output
    return str(result.exception)


def test_from_checkpoints_to_a_pack_and_back(checkpoints: Path, speech: Path) -> None:
    command = ("build", "wavlm-large", "--from", checkpoints, "--speech", speech)
    assert "--unverified" in refused(*command)
    built = run(
        *command,
        "--unverified",
        "--delay",
        "2",
        "--lookahead",
        "1",
        "--precision",
        "float32",
        "--vocoder-precision",
        "int8",
        "--offline",
    )
    assert built.exit_code == 0, built.output
    assert "relative difference from torch" in built.output
    assert "latency of the graphs" in built.output
    pack = find_pack("wavlm-large")
    assert pack.lookahead_frames == 1
    assert pack.card.values["settings"]["vocoder_frames"] == 2
    assert (pack.card.values["settings"]["precision"], pack.card.values["settings"]["vocoder_precision"]) == (
        "float32",
        "int8",
    )
    assert "--force" in refused(*command, "--unverified")
    assert run("verify", "wavlm-large").exit_code == 0
    listed = run("list").output
    assert "wavlm-large" in listed
    assert "installed" in listed
    assert run("remove", "wavlm-large").exit_code == 0
    assert not (installed_packs() / "wavlm-large").exists()
    assert "to fetch and build" in run("list").output


def test_without_a_folder_the_checkpoints_are_fetched(
    checkpoints: Path, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = partial(Quiet, directory=str(checkpoints))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        files = [
            replace(file, url=f"http://127.0.0.1:{server.server_port}/{file.name}", size=path.stat().st_size)
            for file in WAVLM_LARGE.files
            for path in [checkpoints / file.name]
        ]
        files = [replace(file, sha256=digest(checkpoints / file.name)) for file in files]
        monkeypatch.setitem(KNOWN, "wavlm-large", replace(WAVLM_LARGE, encoder=files[0], vocoder=files[1]))
        fetched = run("fetch", "wavlm-large")
        server.shutdown()
    assert fetched.exit_code == 0, fetched.output
    assert fetched.output.count("verified") == 2
    built = run("build", "wavlm-large", "--speech", speech)
    assert built.exit_code == 0, built.output
    assert run("remove", "wavlm-large").exit_code == 0
    assert list(downloads().iterdir()) == []


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_auto_shares_the_latency_and_keeps_the_closest(checkpoints: Path, speech: Path) -> None:
    words = ("build", "wavlm-large", "--from", checkpoints, "--unverified", "--speech", speech, "--as", "chosen")
    assert "are needed" in refused(*words, "--auto", "--limit", "20")
    built = run(*words, "--auto", "--limit", "50")
    assert built.exit_code == 0, built.output
    pack = find_pack("chosen")
    latency = pack.encoder().latency + pack.vocoder().latency + pack.hop
    assert latency <= 0.05 * pack.sample_rate
    assert [path.name for path in installed_packs().iterdir()] == ["chosen"]
    for setting in ("lookahead 0, delay 1:", "lookahead 1, delay 0:"):
        assert setting in built.output


def test_another_vocoder_takes_the_place_of_the_published_one(checkpoints: Path, speech: Path) -> None:
    regular = (checkpoints / WAVLM_LARGE.vocoder.name).rename(checkpoints / "g_02500000.pt")
    words = ("build", "wavlm-large", "--from", checkpoints, "--unverified", "--speech", speech)
    assert f"has no {WAVLM_LARGE.vocoder.name}" in refused(*words)
    built = run(*words, "--vocoder", regular, "--as", "regular")
    assert built.exit_code == 0, built.output
    used = find_pack("regular").card.values["checkpoints"]
    assert used[regular.name] == digest(regular)
    assert "There is no file" in refused(*words, "--vocoder", checkpoints / "missing.pt", "--as", "other")


def test_what_cannot_be_built_is_said(checkpoints: Path, speech: Path, tmp_path: Path) -> None:
    assert "choose one of wavlm-large" in refused("build", "nothing")
    assert "choose one of wavlm-large" in refused("fetch", "nothing")
    empty = tmp_path / "empty"
    empty.mkdir()
    taken = ("build", "wavlm-large", "--from", checkpoints, "--unverified", "--speech", speech)
    assert "cpu, gpu" in refused(*taken, "--for", "toaster")
    assert "float32, int8, int8-blockwise" in refused(*taken, "--precision", "int4")
    assert "cannot be a" in refused(*taken, "--as", "../outside")
    assert "No recordings found" in refused(*taken[:-1], empty)
    assert "No installed pack" in refused("verify", "wavlm-large")


def test_without_torch_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "export.build", None)
    assert '`pip install -e ".[export]"` in the folder of rtvc' in refused("build", "wavlm-large")
