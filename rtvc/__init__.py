"""A real-time voice changer: convert files, arrays and streams, or run the live engine.

    rtvc.convert_file("speech.wav", "converted.wav", voice="Willow")
    convert = rtvc.StreamingConverter(voice="Willow", rate=48_000)

`examples/` shows each part of the interface. Importing the package starts nothing and needs neither PyTorch nor Qt.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

# Threads of NumPy's OpenBLAS spin after every product for longer than a step lasts, and would keep a core from the
# models or from a game for good. OpenBLAS reads this when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# ONNX Runtime 1.31 collects usage data by default: importing it writes a device id and an event database below the
# user's cache folder, and it looks up its vendor's collector while it runs. It reads this when it is first imported.
# Set, not defaulted: nothing leaves the machine, whatever the environment says.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if TYPE_CHECKING:
    from rtvc.app.effects import find_effects
    from rtvc.app.live import LiveSetup, open_live
    from rtvc.dsp.noise_suppression import NoiseSuppression
    from rtvc.errors import RtvcError
    from rtvc.files.conversion import Conversion, Mode, Outcome
    from rtvc.files.enhancement import Enhancer
    from rtvc.interface import add_voice, convert_array, convert_file, open_pack, open_voice
    from rtvc.live.engine import Engine
    from rtvc.packs.pack import ModelPack
    from rtvc.settings import Settings
    from rtvc.streaming_converter import StreamingConverter
    from rtvc.transport.choice import MapChoice

__all__ = [
    "Conversion",
    "Engine",
    "Enhancer",
    "LiveSetup",
    "MapChoice",
    "Mode",
    "ModelPack",
    "NoiseSuppression",
    "Outcome",
    "RtvcError",
    "Settings",
    "StreamingConverter",
    "add_voice",
    "convert_array",
    "convert_file",
    "find_effects",
    "open_live",
    "open_pack",
    "open_voice",
]

_MODULES = {
    "Conversion": "rtvc.files.conversion",
    "Engine": "rtvc.live.engine",
    "Enhancer": "rtvc.files.enhancement",
    "LiveSetup": "rtvc.app.live",
    "MapChoice": "rtvc.transport.choice",
    "Mode": "rtvc.files.conversion",
    "ModelPack": "rtvc.packs.pack",
    "NoiseSuppression": "rtvc.dsp.noise_suppression",
    "Outcome": "rtvc.files.conversion",
    "RtvcError": "rtvc.errors",
    "Settings": "rtvc.settings",
    "StreamingConverter": "rtvc.streaming_converter",
    "add_voice": "rtvc.interface",
    "convert_array": "rtvc.interface",
    "convert_file": "rtvc.interface",
    "find_effects": "rtvc.app.effects",
    "open_live": "rtvc.app.live",
    "open_pack": "rtvc.interface",
    "open_voice": "rtvc.interface",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a name of the interface when it is first used (PEP 562): `import rtvc` itself loads nothing."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
