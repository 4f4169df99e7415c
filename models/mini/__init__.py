"""`mini`, the embedded pack: a causal encoder to a feature space made for MKL, and a source-filter vocoder.

The features `[z, cepstra, log pitch, voicing]` come once a frame of 20 ms. z is learned. The cepstra are the spectral
envelopes of the frame without its harmonics; they have a direct path to the vocoder's envelopes, so no net has to
learn to carry that detail. The encoder looks one frame ahead; the vocoder's overlap-add delays by three quarters of
its window. Training runs both nets over whole stretches, the exported graphs run them step by step on a
`StreamingState`, and the results are the same.
"""
