"""Formants: a shift of the spectral envelope that the cepstra of a pack stand for.

All values are immutable and may cross threads.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rtvc.dsp.stage import Block
from rtvc.features import CepstralEnvelope

SMALLEST_FORMANTS, LARGEST_FORMANTS = 0.85, 1.15
"""The range that was measured. On three conversions with `mini` it moved spectral envelopes (CheapTrick) by -13 % and
+12 %, and the character error rate rose from 0.06 to 0.10 and 0.11; quality (DNSMOS) fell by 0.03 at most."""

_CORNER_HERTZ = 700.0
"""Where O'Shaughnessy's mel scale turns from linear to logarithmic."""


@lru_cache(32)
def formant_matrix(envelope: CepstralEnvelope, factor: float) -> Block:
    """Return the matrix `[cepstra, cepstra]` by which rows of cepstra are multiplied to move formants by a factor.

    The cepstra are cosine transforms of log spectra over mel bands, and a band takes the value at its frequency
    divided by `factor`. So the whole shift is linear: transform back, interpolate between bands, transform. The
    orders over time within a frame keep apart.
    """
    bands = np.arange(envelope.bands)
    top = np.log1p(envelope.top_hertz / _CORNER_HERTZ)
    centres = _CORNER_HERTZ * np.expm1((bands + 1) / (envelope.bands + 1) * top)
    place = np.log1p(centres / factor / _CORNER_HERTZ) / top * (envelope.bands + 1) - 1
    place = np.clip(place, 0, envelope.bands - 1)
    below = np.minimum(place.astype(int), envelope.bands - 2)
    interpolation = np.zeros((envelope.bands, envelope.bands))
    interpolation[bands, below] = 1 - (place - below)
    interpolation[bands, below + 1] = place - below
    cosines = np.cos(np.pi / envelope.bands * np.outer(bands + 0.5, bands)) * np.sqrt(2 / envelope.bands)
    cosines[:, 0] /= np.sqrt(2)
    matrix = np.zeros((envelope.size, envelope.size), np.float32)
    first = 0
    for orders in envelope.orders:
        basis = cosines[:, :orders]
        matrix[first : first + orders, first : first + orders] = (basis.T @ interpolation @ basis).T
        first += orders
    matrix.flags.writeable = False
    return matrix
