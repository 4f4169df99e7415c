"""The live engine: one worker thread between a microphone and a listener."""
