"""The processing chain, the same live and for files: level, encoder, transport, vocoder, limiter."""
