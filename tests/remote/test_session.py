"""A session and a client's link in one loop, over loopback, with a pack that leaves sound as it is."""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest
from aiortc import RTCSessionDescription

from rtvc.dsp.stage import Block
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.remote import protocol, session
from rtvc.remote.access import LOOPBACK
from rtvc.remote.link import Address, Link
from rtvc.remote.peer import BLOCK, RATE, Reception, SentTrack
from rtvc.remote.protocol import Refusal, SentVoice, SessionRequest
from rtvc.remote.session import Session
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from tests.remote.test_protocol import OFFER
from tests.support.sounds import babble
from tests.support.voices import record

OWN = Settings(map=MapChoice(strength=0.0), gate_threshold_dbfs=None)


class LocalLink(Link):
    """A link that hands its request to a session, without HTTP."""

    def __init__(self, pack: ModelPack, next_block: Callable[[], Awaitable[Block]], heard: list[Block]) -> None:
        super().__init__(Address("http://127.0.0.1:1"), SentTrack(next_block), heard.append)
        self._pack = pack
        self.session: Session | None = None

    async def _ask(self, method: str, path: str, values: dict[str, object] | None = None) -> dict[str, object]:
        assert values is not None
        request = SessionRequest(str(values["sdp"]), protocol.read_settings(values["settings"]))
        self.session = Session(self._pack, request, LOOPBACK)
        return {"sdp": await self.session.answer()}


def paced(sound: Block) -> Callable[[], Awaitable[Block]]:
    """Return blocks of a sound at the pace of live audio, then silence."""
    began, sent = 0.0, 0

    async def next_block() -> Block:
        nonlocal began, sent
        began, sent = began or time.monotonic(), sent + 1
        await asyncio.sleep(began + sent * BLOCK / RATE - time.monotonic())
        block = sound[(sent - 1) * BLOCK : sent * BLOCK]
        return np.pad(block, (0, BLOCK - len(block)))

    return next_block


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def converse(
    pack: ModelPack, sound: Block, work: Callable[[LocalLink, list[Block]], Awaitable[None]], settings: Settings = OWN
) -> None:
    async def run() -> None:
        heard: list[Block] = []
        link = LocalLink(pack, paced(sound), heard)
        await link.open(settings)
        assert link.session is not None
        running = asyncio.create_task(link.session.run())
        try:
            await work(link, heard)
        finally:
            await link.close()
            await running

    asyncio.run(run())


def test_opus_gives_back_what_was_sent_after_its_lookahead() -> None:
    heard: list[Block] = []
    reception = Reception(heard.append)

    async def silence() -> Block:
        return np.zeros(BLOCK, np.float32)

    track = SentTrack(silence)
    sound = (0.3 * np.sin(2 * np.pi * 300 * np.arange(50 * BLOCK) / RATE)).astype(np.float32)

    class Packet:
        def __init__(self, number: int, payload: bytes) -> None:
            self.sequence_number, self.payload = number, payload

    for number, start in enumerate(range(0, len(sound), BLOCK)):
        if number == 30:
            continue  # lost
        payload = b"\xff\xff\xff" if number == 40 else bytes(track.encode(sound[start : start + BLOCK]))
        reception.add(Packet(number, payload))  # type: ignore[arg-type]
    result = np.concatenate(heard)
    assert len(result) == len(sound)
    lookahead = 120
    early = result[BLOCK + lookahead : 20 * BLOCK]
    assert np.corrcoef(early, sound[BLOCK : 20 * BLOCK - lookahead])[0, 1] > 0.99
    # The lost packet and the damaged one are filled in: a steady tone goes on at its level.
    for place in (30, 40):
        assert np.std(result[place * BLOCK : (place + 1) * BLOCK]) > 0.1
    assert (reception.order.lost, reception.concealer.concealed) == (1, 2)


def test_sound_goes_there_and_back_and_settings_change_it(pack: ModelPack) -> None:
    async def work(link: LocalLink, heard: list[Block]) -> None:
        def level() -> float:
            return float(np.std(np.concatenate(heard[-10:]))) if len(heard) > 10 else 0.0

        await until(lambda: level() > 0.01)
        await until(lambda: link.status.state == State.RUNNING and link.status.received > 20)
        assert -40 < link.status.input_level_dbfs < -20
        link.ping()
        await until(lambda: link.round_trip_seconds > 0)
        link.send(replace(OWN, mute=True))
        await until(lambda: level() < 1e-3)
        assert link.accepted == OWN  # until a message that was sent later is answered
        link.ping()
        await until(lambda: link.accepted == replace(OWN, mute=True))
        link.send(replace(OWN, voice="/etc/passwd", map=MapChoice()))
        await until(lambda: link.refused)
        assert link.refused == "The server has no such voice."
        rounds = link.round_trip_seconds
        link.ping()
        await until(lambda: link.round_trip_seconds != rounds)
        assert link.accepted == replace(OWN, mute=True)

    converse(pack, babble(30, RATE), work)


def test_a_link_says_whether_settings_went_out(pack: ModelPack) -> None:
    async def work(link: LocalLink, heard: list[Block]) -> None:
        unopened = LocalLink(pack, paced(np.zeros(1, np.float32)), [])
        assert not unopened.send(OWN)
        await unopened.close()
        # The channel opens after sound can flow, so that the first tries may say no.
        await until(lambda: link.send(replace(OWN, voice="nobody", map=MapChoice())))
        await until(lambda: link.refused)

    converse(pack, babble(5, RATE), work)


def test_a_session_ends_when_its_client_leaves_is_silent_or_sends_too_much(
    pack: ModelPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "QUIET_SECONDS", 0.5)

    async def leave(link: LocalLink, heard: list[Block]) -> None:
        await until(lambda: link.status.state == State.RUNNING)

    async def flood(link: LocalLink, heard: list[Block]) -> None:
        await until(lambda: link.status.received > 5)
        for _ in range(2 * protocol.MOST_MESSAGES_PER_SECOND):
            link.ping()
        await until(lambda: not link.alive)

    async def stop_sending(link: LocalLink, heard: list[Block]) -> None:
        (sender,) = link.peer.getSenders()
        await until(lambda: link.status.received > 5)
        await sender.stop()
        await until(lambda: not link.alive)

    for work in (leave, flood, stop_sending):
        converse(pack, babble(1, RATE), work)


def test_a_session_that_never_connects_ends(pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "CONNECT_SECONDS", 0.5)

    class Absent(LocalLink):
        """A client that asks for a session and does nothing with the answer."""

        async def _ask(self, method: str, path: str, values: dict[str, object] | None = None) -> dict[str, object]:
            await super()._ask(method, path, values)
            raise Refusal("gone")

    async def run() -> None:
        link = Absent(pack, paced(np.zeros(1, np.float32)), [])
        with pytest.raises(Refusal):
            await link.open(OWN)
        assert link.session is not None
        async with asyncio.timeout(10):
            await link.session.run()
        await link.close()

    asyncio.run(run())


def test_sessions_that_come_and_go_leave_no_thread_and_no_socket(pack: ModelPack) -> None:
    async def work(link: LocalLink, heard: list[Block]) -> None:
        await until(lambda: link.status.received > 5)

    def held() -> tuple[int, int]:
        return threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    converse(pack, babble(1, RATE), work)
    before = held()
    for _ in range(3):
        converse(pack, babble(1, RATE), work)
    assert held() == before


def refuse(pack: ModelPack, request: SessionRequest) -> str:
    async def run() -> str:
        session = Session(pack, request, LOOPBACK)
        try:
            with pytest.raises(Refusal) as caught:
                await session.answer()
        finally:
            await session.close()
        return str(caught.value)

    return asyncio.run(run())


def test_a_session_opens_voices_by_name_only(pack: ModelPack, tmp_path: object) -> None:
    recording = record(tmp_path / "mine.wav")  # type: ignore[operator]
    for voice in (str(recording), "nobody", f"{recording}:0.5,Willow:0.5"):
        assert refuse(pack, SessionRequest(OFFER, replace(OWN, voice=voice))) == "The server has no such voice."


@pytest.mark.parametrize("sdp", [OFFER, OFFER.replace("m=audio 9", "m=audio x"), OFFER + "a=setup:nonsense\r\n"])
def test_an_offer_that_is_none_is_refused(pack: ModelPack, sdp: str) -> None:
    assert refuse(pack, SessionRequest(sdp, OWN)) == "The offer cannot be understood."


def test_a_voice_without_speech_is_refused_and_a_good_one_stays_in_memory(pack: ModelPack) -> None:
    silent = SentVoice("Anna", np.zeros(RATE, np.float32), RATE)
    settings = Settings(voice="Anna")
    assert "Anna: holds no speech" in refuse(pack, SessionRequest(OFFER, settings, silent))
    good = SentVoice("Anna", babble(5, RATE), RATE)
    # The voice is taken; what is refused then is the offer.
    assert refuse(pack, SessionRequest(OFFER, settings, good)) == "The offer cannot be understood."


def test_signalling_tells_what_aiortc_expects_of_an_answer(pack: ModelPack) -> None:
    """An offer that was altered on its way is refused or answered, never a fault."""
    rng = np.random.default_rng(1)

    async def offers() -> list[str]:
        heard: list[Block] = []
        link = LocalLink(pack, paced(np.zeros(1, np.float32)), heard)
        link.peer.addTransceiver("audio")
        await link.peer.setLocalDescription(await link.peer.createOffer())
        whole = link.peer.localDescription.sdp
        await link.close()
        lines = whole.splitlines()
        altered = []
        for _ in range(12):
            kept = [line for line in lines if rng.random() > 0.15]
            place = int(rng.integers(len(kept)))
            kept[place] = kept[place][: int(rng.integers(len(kept[place]) + 1))]
            altered.append("\r\n".join(kept) + "\r\n")
        return altered

    async def run() -> None:
        for sdp in await offers():
            session = Session(pack, SessionRequest(sdp, OWN), LOOPBACK)
            try:
                RTCSessionDescription(await session.answer(), "answer")
            except Refusal as refusal:
                assert str(refusal) == "The offer cannot be understood."  # noqa: PT017
            finally:
                await session.close()

    asyncio.run(run())
