import base64
import json
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from rtvc.dsp.effects import Rack
from rtvc.dsp.plugins import PluginEffect
from rtvc.live.snapshot import Latency, Snapshot, State
from rtvc.remote import protocol
from rtvc.remote.protocol import Refusal, SessionRequest, Status
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from tests.support.sounds import babble

OFFER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=candidate:1 1 udp 1 10.0.0.2 5 typ host\r\n"
SETTINGS = Settings(voice="Willow", pitch_semitones=2.0, gate_threshold_dbfs=None)

PLUGIN = protocol.write_settings(replace(SETTINGS, effects=Rack("Mine", (PluginEffect("Reverb", state="AAAA"),))))


def request(**changes: object) -> bytes:
    values = {"sdp": OFFER, "settings": protocol.write_settings(SETTINGS)} | changes
    return json.dumps(values).encode()


def changed(**changes: object) -> dict[str, Any]:
    return protocol.write_settings(SETTINGS) | changes


def test_a_request_arrives_as_it_was_sent() -> None:
    sound = babble(2, 16_000)
    voice = protocol.write_voice("Anna", sound, 16_000)
    read = protocol.read_request(request(voice=voice))
    assert read.settings == SETTINGS
    assert read.sdp == OFFER
    assert read.voice is not None
    assert (read.voice.name, read.voice.rate) == ("Anna", 16_000)
    np.testing.assert_allclose(read.voice.audio, sound, atol=1e-4)


def test_a_status_arrives_as_it_was_sent_without_the_engines_own_words() -> None:
    snapshot = Snapshot(
        State.SILENCED, "/home/anna/voices/x is damaged", -30.0, latency=Latency(0.02, 0.04, 0.004, 0.03, 0.01)
    )
    status = Status.of(snapshot, 100, 2, 2)
    assert "anna" not in json.dumps(status.to_json())
    assert status.message == protocol.SENTENCES[State.SILENCED]
    assert Status.from_json(json.loads(json.dumps(status.to_json()))) == status


@pytest.mark.parametrize("values", [{"underruns": None}, {"queue_seconds": None}, {"underruns": float("nan")}])
def test_a_status_without_numbers_is_refused(values: dict[str, float | None]) -> None:
    with pytest.raises(Refusal, match="an invalid status"):
        Status.from_json(values)
    assert Status.from_json({"speech_seconds": None}).speech_seconds is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (request(sdp=5), "offer is missing"),
        (request(sdp="x" * 30_000), "too long"),
        (request(sdp=OFFER + "m=video 9 x\r\n"), "one audio track"),
        (request(sdp="v=0\r\n"), "one audio track"),
        (request(settings=None), "settings cannot be read"),
        (request(settings=changed(voice=5)), "settings cannot be read"),
        (request(settings=changed(voice="")), "No voice is chosen"),
        (request(settings=changed(voice="a\nb")), "cannot be printed"),
        (request(settings=changed(voice="a" * 2000)), "too long"),
        (request(settings=changed(transport="sinkhorn")), "only the transport mkl"),
        (request(settings=changed(transport="magic")), "no transport named"),
        (request(settings=changed(strength=float("nan"))), "settings cannot be read"),
        (request(settings=changed(strength=3.0)), "strength"),
        (request(settings=changed(**PLUGIN)), "run no plug-ins"),
        (request(voice={"name": "../x", "recording": ""}), "cannot be a voice's name"),
        (request(voice={"name": "x", "recording": "AAAA"}), "cannot be read"),
        (request(voice={"name": "x", "recording": base64.b64encode(b"fLaC" + bytes(99)).decode()}), "cannot be read"),
        (request(voice=[]), "voice cannot be read"),
    ],
)
def test_what_is_not_possible_is_refused_in_one_sentence(content: bytes, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        protocol.read_request(content)


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(Refusal, match="at most"):
        protocol.read_object(b" " * 101, 100)


def test_a_recording_is_read_up_to_a_minute() -> None:
    file = BytesIO()
    soundfile.write(file, np.zeros(8_000 * 90), 8_000, format="FLAC")
    sent = {"name": "x", "recording": base64.b64encode(file.getvalue()).decode()}
    voice = protocol.read_request(request(voice=sent)).voice
    assert voice is not None
    assert len(voice.audio) == 60 * 8_000


def test_what_belongs_to_the_clients_devices_stays_off() -> None:
    settings = replace(SETTINGS, push_to_talk=True, talking=True, monitor=True)
    read = protocol.read_settings(protocol.write_settings(settings))
    assert [read.push_to_talk, read.talking, read.monitor] == [False] * 3
    assert protocol.read_settings(protocol.write_settings(Settings(map=MapChoice(strength=0.0)))).voice == ""


def test_candidates_with_mdns_names_are_left_out() -> None:
    offer = protocol.read_offer(OFFER + "a=candidate:2 1 udp 1 12ab.local 5 typ host\r\n")
    assert "10.0.0.2" in offer
    assert ".local" not in offer


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from(["sdp", "settings", "voice", "other"]), json_values),
    st.dictionaries(st.sampled_from(sorted(protocol.write_settings(SETTINGS))), json_values),
)
def test_a_request_of_anything_is_read_or_refused(values: dict[str, Any], chosen: dict[str, Any]) -> None:
    for sent in (values, values | {"sdp": OFFER, "settings": changed(**chosen)}):
        with suppress(Refusal):
            assert isinstance(protocol.read_request(json.dumps(sent).encode()), SessionRequest)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(sorted(Status().to_json())), json_values) | json_values)
def test_a_status_of_anything_is_read_or_refused(values: object) -> None:
    try:
        status = Status.from_json(values)
    except Refusal:
        return
    assert status.message.isprintable()
