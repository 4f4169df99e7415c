"""The path of a voice, the same live and for files: level, encoder, transport, vocoder, limiter."""
