"""The runtime of rtvc: needs neither PyTorch nor Qt."""

import os

# Threads of NumPy's OpenBLAS spin after every product for longer than a step lasts, and would keep a core from the
# models or from a game for good. OpenBLAS reads this when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# ONNX Runtime 1.31 collects usage data by default: importing it writes a device id and an event database below the
# user's cache folder, and it looks up its vendor's collector while it runs. It reads this when it is first imported.
# Set, not defaulted: nothing leaves the machine, whatever the environment says.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
