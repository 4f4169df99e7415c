import io
import json
import stat
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from rtvc.voices.exchange import export_voice, import_voice
from rtvc.voices.library import VoiceLibrary, shipped_voices
from tests.support.mutate import mutants
from tests.support.sounds import babble

Entries = dict[str | zipfile.ZipInfo, str | bytes]


def described(**changes: object) -> str:
    return json.dumps({"format": 1, "name": "Ann", "credit": "", "description": ""} | changes)


def flac(seconds: float = 2.0) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, babble(seconds, 16_000), 16_000, format="FLAC")
    return file.getvalue()


def archive(path: Path, entries: Entries, compression: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def test_a_voice_travels_in_one_file(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", babble(3, 48_000), 48_000, subtype="PCM_24")
    voice = library.add("हिन्दी", [tmp_path / "a.wav"], pack, credit="Ann, CC BY 4.0", description="calm")
    export_voice(voice, tmp_path / "ann.rtvcvoice")
    other = VoiceLibrary(tmp_path / "others")
    copy = import_voice(other, tmp_path / "ann.rtvcvoice", pack)
    assert (copy.name, copy.credit, copy.description) == ("हिन्दी", "Ann, CC BY 4.0", "calm")
    np.testing.assert_array_equal(copy.recording.read(), voice.recording.read())
    assert str(tmp_path) not in str(zipfile.ZipFile(tmp_path / "ann.rtvcvoice").read("voice.json"))
    with pytest.raises(RtvcError, match="A voice named 'हिन्दी' already exists"):
        import_voice(other, tmp_path / "ann.rtvcvoice", pack)
    assert import_voice(other, tmp_path / "ann.rtvcvoice", pack, name="Ann").name == "Ann"
    with pytest.raises(RtvcError, match="already exists; use --force"):
        export_voice(voice, tmp_path / "ann.rtvcvoice")


def test_a_shipped_voice_can_be_shared_and_duplicated(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    shipped = shipped_voices()[0]
    export_voice(shipped, tmp_path / "a.rtvcvoice")
    imported = import_voice(library, tmp_path / "a.rtvcvoice", pack, name="one")
    assert (imported.credit, imported.register) == (shipped.credit, shipped.register)
    assert library.duplicate("one", "two").recording.read().tolist() == shipped.recording.read().tolist()
    with pytest.raises(RtvcError, match="already"):
        library.duplicate("one", "two")


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"voice.json": described()}, "it must contain voice.json and reference.flac, and nothing else"),
        ({"voice.json": described(), "reference.flac": b"", "../x": b""}, "nothing else"),
        ({"voice.json": described(), link("reference.flac"): "/etc/passwd"}, "is not a regular file"),
        ({"voice.json": "x" * 70_000, "reference.flac": b""}, "voice.json is larger than 65536 bytes"),
        ({"voice.json": "[]", "reference.flac": b""}, "is not of format 1"),
        ({"voice.json": described(format=2), "reference.flac": b""}, "is not of format 1"),
        ({"voice.json": "[" * 60_000, "reference.flac": b""}, "its voice.json is damaged"),
        ({"voice.json": described(credit=7), "reference.flac": b""}, "its voice.json is damaged"),
        ({"voice.json": described(name="../x"), "reference.flac": flac()}, "cannot be a voice's name"),
        ({"voice.json": described(name="a.wav"), "reference.flac": flac()}, "cannot be a voice's name"),
        ({"voice.json": described(), "reference.flac": b"hello"}, r"x.rtvcvoice \(reference.flac\): is not audio"),
        ({"voice.json": described(), "reference.flac": flac(0.3)}, r"x.rtvcvoice \(reference.flac\): contains 0.3 s"),
    ],
)
def test_what_is_no_voice_is_refused_by_reason(
    library: VoiceLibrary,
    pack: ModelPack,
    tmp_path: Path,
    entries: Entries,
    reason: str,
) -> None:
    with pytest.raises(RtvcError, match=reason):
        import_voice(library, archive(tmp_path / "x.rtvcvoice", entries), pack)
    assert all(voice.folder is None for voice in library.list())


def test_control_characters_are_dropped_from_texts(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    text = described(credit="\x1b[31mred\nline" + "x" * 5000)
    path = archive(tmp_path / "x.rtvcvoice", {"voice.json": text, "reference.flac": flac()})
    credit = import_voice(library, path, pack).credit
    assert credit.startswith("[31mred line")
    assert credit.isprintable()
    assert len(credit) <= 500


def test_a_decompression_bomb_costs_no_memory(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    size = 200 * 2**20
    entries: Entries = {"voice.json": described(), "reference.flac": bytes(size)}
    path = archive(tmp_path / "x.rtvcvoice", entries, zipfile.ZIP_DEFLATED)
    lying = path.read_bytes().replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    entries.clear()
    tracemalloc.start()
    for content in (path.read_bytes(), lying):
        path.write_bytes(content)
        with pytest.raises(RtvcError, match="is not a voice that can be imported"):
            import_voice(library, path, pack)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_a_file_that_is_missing_or_a_folder_is_named(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    with pytest.raises(RtvcError, match=r"nothing\.rtvcvoice: cannot be read"):
        import_voice(library, tmp_path / "nothing.rtvcvoice", pack)
    with pytest.raises(RtvcError, match="it is not a regular file"):
        import_voice(library, tmp_path, pack)


@pytest.mark.parametrize("count", [100, pytest.param(5_000, marks=pytest.mark.fuzz)])
def test_a_damaged_file_is_refused_or_imported(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, count: int
) -> None:
    path = archive(tmp_path / "x.rtvcvoice", {"voice.json": described(), "reference.flac": flac(1.2)})
    content, refused = path.read_bytes(), []
    # Half of the damage falls on the headers at the start, half anywhere, including the directory at the end.
    for damaged in (*mutants(content, count // 2, within=300), *mutants(content, count // 2, seed=1)):
        path.write_bytes(damaged)
        try:
            assert import_voice(library, path, pack, replace=True).speech_seconds(pack) >= 1
        except RtvcError as error:
            refused.append(str(error))
    assert len(refused) > count / 2
    assert all(sentence.isprintable() for sentence in refused)
