"""Sound in blocks: stages, gains, the gate, the limiter, resampling, speech activity."""
