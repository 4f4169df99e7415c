"""From torch models to model packs: streaming wrappers, quantisation, verification against torch."""

import rtvc  # noqa: F401 - switches ONNX Runtime's telemetry off before anything here imports it
