"""Models of the published structure and a few thousand weights."""

from dataclasses import replace

from export.synthetic_checkpoint import randomize
from models.hifigan import HiFiGAN, HiFiGANConfiguration
from models.wavlm import WavLM, WavLMConfiguration

WAVLM = WavLMConfiguration(
    convolutions=((16, 10, 5), *((16, 3, 2),) * 4, *((16, 2, 2),) * 2),
    width=32,
    heads=4,
    feed_forward=48,
    layers=3,
    checkpoint_layers=4,
    position_kernel=16,
    position_groups=4,
    buckets=32,
    max_distance=40,
)
HIFIGAN = HiFiGANConfiguration(feature_dim=32, input_width=24, width=32)
FEW_LAYERS = replace(HIFIGAN, kernels=(3,), dilations=(1,))


def make_wavlm(configuration: WavLMConfiguration = WAVLM) -> WavLM:
    return randomize(WavLM(configuration), seed=1)


def make_hifigan(configuration: HiFiGANConfiguration = HIFIGAN) -> HiFiGAN:
    return randomize(HiFiGAN(configuration), seed=2)
