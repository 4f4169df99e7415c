"""Where and how a pack's graphs run: processor or graphics card, and with how many threads.

Values here are immutable and may cross threads.
"""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from functools import cache

import onnxruntime

from rtvc.errors import RtvcError

# `rtvc/__init__.py` switches the telemetry off before this import. This covers a program that imported ONNX Runtime
# before rtvc: it sends no events from here on.
onnxruntime.disable_telemetry_events()

PROVIDERS = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Runtime:
    """How to run the graphs of a pack; bound once, when the pack is opened.

    Attributes
    ----------
    threads
        Threads that each graph may use; None for the pack's default.
    provider
        `cpu`, `cuda`, or `auto` (CUDA where it works); None for the pack's default.

    Raises
    ------
    RtvcError
        If there is no such provider, or fewer than one thread.
    """

    threads: int | None = None
    provider: str | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise RtvcError(f"A graph needs at least 1 thread, not {self.threads}.")
        if self.provider is not None and self.provider not in PROVIDERS:
            raise RtvcError(f"There is no provider {self.provider!r}: choose one of {', '.join(PROVIDERS)}.")

    def or_else(self, default: Runtime) -> Runtime:
        """Return this runtime with the default's values where it has none."""
        return Runtime(self.threads or default.threads, self.provider or default.provider)

    def execution_providers(self) -> list[str]:
        """Return ONNX Runtime's provider names, best first; raise `RtvcError` if CUDA is wanted and does not work."""
        if self.provider == "cuda" and not cuda_works():
            raise RtvcError(
                "CUDA does not work here: install an NVIDIA driver and onnxruntime-gpu[cuda,cudnn], or use the CPU."
            )
        cuda = ["CUDAExecutionProvider"] if self.provider != "cpu" and cuda_works() else []
        return [*cuda, "CPUExecutionProvider"]

    def session_options(self) -> onnxruntime.SessionOptions:
        """Return ONNX Runtime's options for a session with these threads (1 if none are given)."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads or 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # A layer ends before a sleeping thread has woken, so threads spin within a step. Between steps they stop:
        # spinning would take a core from the other graph, or from a game.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        options.add_session_config_entry("session.force_spinning_stop", "1")
        # Denormals are slow to compute and inaudible.
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        return options


def cores() -> int:
    """Return how many processor cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    else:
        return os.cpu_count() or 1


@cache
def cuda_works() -> bool:
    """Tell whether ONNX Runtime can use an NVIDIA GPU, without the errors that it prints where it cannot."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return False
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    onnxruntime.preload_dlls()
    return True
