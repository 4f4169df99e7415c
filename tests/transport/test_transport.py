import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureSet
from rtvc.transport import FITS, FITTED_ON_FRAMES, Transport, TransportStage, fit
from tests.support.transports import LOOKAHEAD, Smoother

DIM = 3
FADE = 5


def ramp(count: int) -> Block:
    return np.linspace(0, 9, count * DIM, dtype=np.float32).reshape(count, DIM)


def plus(amount: float) -> Transport:
    return lambda features: features + np.float32(amount)


def split(block: Block, steps: list[int]) -> list[Block]:
    return [part for part in np.split(block, np.cumsum(steps)) if len(part)]


def stage(amount: float = 1, strength: float = 1) -> TransportStage:
    return TransportStage(plus(amount), strength, rate=50, fade_frames=FADE)


@pytest.mark.parametrize("strength", [0, 0.25, 1])
def test_strength_goes_part_of_the_way(strength: float) -> None:
    np.testing.assert_allclose(stage(4, strength).process(ramp(6)), ramp(6) + 4 * strength, rtol=1e-6)


def test_the_stage_has_no_latency() -> None:
    assert (stage().rate, stage().latency, stage().granularity) == (50, 0, 1)


def test_unmapped_dimensions_stay_bit_for_bit() -> None:
    def first_only(features: Block) -> Block:
        mapped = features.copy()
        mapped[:, 0] += 9
        return mapped

    output = TransportStage(first_only, 0.3, 50).process(ramp(40))
    np.testing.assert_array_equal(output[:, 1:], ramp(40)[:, 1:])


def test_a_new_map_fades_in_linearly_and_then_rules() -> None:
    fading = stage(0)
    fading.set(plus(10), 0.5)
    moved = fading.process(ramp(8)) - ramp(8)
    np.testing.assert_allclose(moved[:, 0], [1, 2, 3, 4, 5, 5, 5, 5], atol=1e-5)


def test_a_map_set_during_a_fade_waits_and_the_last_one_counts() -> None:
    fading = stage(0)
    fading.set(plus(5), 1)
    first = fading.process(ramp(2)) - ramp(2)
    fading.set(plus(-100), 1)
    fading.set(plus(0), 1)
    rest = fading.process(ramp(9)) - ramp(9)
    np.testing.assert_allclose([*first[:, 0], *rest[:, 0]], [1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 0], atol=1e-5)


@given(
    before=st.lists(st.integers(1, 6), max_size=4),
    between=st.lists(st.integers(1, 6), max_size=4),
    after=st.lists(st.integers(1, 6), max_size=4),
)
def test_any_partition_gives_the_same_fades(before: list[int], between: list[int], after: list[int]) -> None:
    def run(whole: bool) -> Block:
        fading = stage(0)
        outputs = []
        for number, steps in enumerate((before, between, after)):
            block = ramp(sum(steps))
            parts = split(block, steps)
            outputs += [fading.process(part) for part in ([block] if whole and len(block) else parts)]
            fading.set(plus(number + 2), 0.5)
        return np.concatenate([*outputs, fading.process(ramp(20))])

    np.testing.assert_array_equal(run(whole=True), run(whole=False))


@pytest.mark.parametrize("waiting", [False, True])
def test_reset_ends_a_fade_at_the_last_map(waiting: bool) -> None:
    fading = stage(0)
    fading.set(plus(5), 1)
    fading.process(ramp(2))
    if waiting:
        fading.set(plus(7), 1)
    fading.reset()
    np.testing.assert_allclose(fading.process(ramp(3)), ramp(3) + (7 if waiting else 5), rtol=1e-6)


def test_a_map_with_lookahead_delays_the_stage_and_strength_stays_aligned() -> None:
    impulse = np.zeros((10, DIM), np.float32)
    impulse[3] = 1
    waiting = TransportStage(Smoother(gain=4), 0.5, 50)
    assert waiting.latency == LOOKAHEAD
    expected = np.zeros(10)
    expected[4:7] = [0.5, 0.5 + 1, 0.5]
    np.testing.assert_allclose(waiting.process(impulse)[:, 0], expected, atol=1e-6)
    waiting.reset()
    np.testing.assert_allclose(waiting.process(impulse)[:, 0], expected, atol=1e-6)


@given(steps=st.lists(st.integers(1, 6), min_size=6, max_size=12), changes=st.lists(st.integers(0, 3), min_size=12))
def test_any_partition_gives_the_same_with_state_and_lookahead(steps: list[int], changes: list[int]) -> None:
    """Between one map with state, its own other strength, another one and one without: set at the same frames."""
    block = ramp(sum(steps)) ** 2

    def run(one_by_one: bool) -> Block:
        first, second = Smoother(), Smoother(gain=3)
        choices = [(first, 1.0), (first, 0.3), (second, 1.0), (plus(5), 0.7)]
        waiting = TransportStage(*choices[0], rate=50, fade_frames=FADE)
        outputs = []
        for part, change in zip(split(block, steps), changes, strict=False):
            parts = split(part, [1] * len(part)) if one_by_one else [part]
            outputs += [waiting.process(rows) for rows in parts]
            waiting.set(*choices[change])
        return np.concatenate(outputs)

    np.testing.assert_allclose(run(one_by_one=True), run(one_by_one=False), rtol=1e-6)


def test_fades_between_maps_of_unlike_lookahead_stay_aligned() -> None:
    """A straight line passes all of these maps as it is, so any misalignment would show."""
    line = ramp(60)
    waiting = TransportStage(Smoother(), 1, 50, fade_frames=FADE)
    outputs = []
    for number, part in enumerate(np.split(line, 6)):
        outputs.append(waiting.process(part))
        waiting.set(plus(0) if number % 2 == 0 else Smoother(), 1)
    slope = line[1, 0] - line[0, 0]
    late = np.concatenate(outputs)[LOOKAHEAD + 1 :]
    # A map that has just begun does not know the frame before its first: a quarter of a step, faded in by a fifth.
    np.testing.assert_allclose(late, line[1 : 1 - len(line) + len(late)], atol=0.06 * slope)


def test_a_map_that_waits_longer_than_the_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="more lookahead"):
        stage().set(Smoother(), 1)


QUICK = {"mkl": {"block_size": 2}, "flow": {"iterations": 30, "batch": 64, "hidden": 16}}


def voice(seed: int, count: int = 80) -> FeatureSet:
    random = np.random.default_rng(seed)
    frames = random.normal(size=(count, 6)) @ random.normal(size=(6, 6)) + random.normal(size=6)
    frames[:, 5] = random.random(count) > 0.3
    return FeatureSet.of(frames.astype(np.float32), roles=FeatureRoles(4, 5))


@pytest.mark.parametrize("name", FITS)
def test_every_transport_keeps_the_protocol(name: str) -> None:
    """Shape, precision, voicing, pitch, independence of frames, and leaving its input alone."""
    source, target = voice(1), voice(2)
    transport = fit(name, source, target, **QUICK.get(name, {}))
    frames = voice(1, 30).frames
    kept = frames.copy()
    mapped = transport(frames)
    np.testing.assert_array_equal(frames, kept)
    assert mapped.dtype == np.float32
    assert mapped.shape == frames.shape
    np.testing.assert_array_equal(mapped[:, 5], frames[:, 5])
    pitch = transport(source.frames)[source.frames[:, 5] > 0.5, 4]
    assert pitch.mean() == pytest.approx(target.statistics.mean[4], abs=1e-4)
    assert pitch.std() == pytest.approx(target.statistics.standard_deviation[4], abs=1e-4)
    one_by_one = np.concatenate([transport(frames[index : index + 1]) for index in range(30)])
    np.testing.assert_allclose(one_by_one, mapped, atol=1e-5)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("counts", [(1, 1), (1, 40), (40, 1), (40, 3)])
def test_every_transport_bears_tiny_voices(name: str, counts: tuple[int, int]) -> None:
    transport = fit(name, voice(1, counts[0]), voice(2, counts[1]), **QUICK.get(name, {}))
    assert np.isfinite(transport(voice(1).frames)).all()


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("side", ["source", "target"])
def test_every_transport_bears_silence(name: str, side: str) -> None:
    """Digital silence encodes to frames that are all alike."""
    voices = {"source": voice(1), "target": voice(2)}
    voices[side] = FeatureSet.of(np.zeros((20, 6), np.float32), roles=FeatureRoles(4, 5))
    transport = fit(name, voices["source"], voices["target"], **QUICK.get(name, {}))
    mapped = transport(np.concatenate([voice(1).frames, np.zeros((3, 6), np.float32)]))
    assert np.isfinite(mapped).all()


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("side", ["source", "target"])
def test_every_transport_bears_frames_that_vary_along_one_line_only(name: str, side: str) -> None:
    voices = {"source": voice(1), "target": voice(2)}
    line = np.linspace(-1, 1, 50)[:, None] * np.arange(6) + 1
    line[:, 5] = 1
    voices[side] = FeatureSet.of(line.astype(np.float32), roles=FeatureRoles(4, 5))
    mapped = fit(name, voices["source"], voices["target"], **QUICK.get(name, {}))(voice(1).frames)
    assert np.isfinite(mapped).all()
    # Nothing lands further out than the voices are wide, however thin one of them is.
    reach = max(np.abs(one.frames).max() for one in voices.values())
    assert np.abs(mapped).max() < 40 * reach


@pytest.mark.parametrize("name", FITS)
def test_strength_works_for_every_transport(name: str) -> None:
    source, target = voice(1), voice(2)
    transport = fit(name, source, target, **QUICK.get(name, {}))
    moved = {
        strength: TransportStage(transport, strength, 50).process(source.frames) for strength in (0.0, 0.25, 1.0)
    }
    np.testing.assert_array_equal(moved[0.0], source.frames)
    np.testing.assert_allclose(moved[1.0], transport(source.frames), atol=1e-5)
    np.testing.assert_allclose(moved[0.25], 0.75 * moved[0.0] + 0.25 * moved[1.0], atol=1e-5)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("side", ["source", "target"])
def test_every_transport_refuses_a_voice_without_frames(name: str, side: str) -> None:
    voices = {"source": voice(1), "target": voice(2)}
    voices[side] = FeatureSet.of(np.empty((0, 6), np.float32), roles=FeatureRoles(4, 5))
    with pytest.raises(RtvcError, match=f"{side} voice contains no speech"):
        fit(name, voices["source"], voices["target"], **QUICK.get(name, {}))


@pytest.mark.parametrize("name", FITTED_ON_FRAMES)
def test_a_transport_that_takes_frames_is_not_content_with_statistics(name: str) -> None:
    known = FeatureSet(np.empty((0, 6), np.float32), voice(1).statistics)
    with pytest.raises(RtvcError, match="a recording of your voice, and there is none: enrol"):
        fit(name, known, voice(2), **QUICK.get(name, {}))


def test_an_unknown_transport_is_refused_with_those_there_are() -> None:
    with pytest.raises(RtvcError, match="mkl, knn, sinkhorn, flow"):
        fit("magic", voice(1), voice(2))
