"""The runtime of rtvc: needs neither PyTorch nor Qt."""

import os

# After every product, threads of OpenBLAS (NumPy's) spin for longer than a step lasts: for ever, on a core that the
# models or a game want. Read when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
