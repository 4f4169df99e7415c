"""A small fully connected network and its training, in NumPy.

Evaluation runs on the worker, training off the audio path on the thread that fits.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from rtvc.dsp.stage import Block

Layers = list[tuple[Block, Block]]
"""Weights `[in, out]` and biases `[out]` of each layer."""


def layer_outputs(layers: Layers, inputs: Block) -> list[Block]:
    """Return the output `[n, out]` of every layer for inputs `[n, in]`; all but the last pass a ReLU."""
    outputs: list[Block] = []
    for index, (weight, bias) in enumerate(layers):
        inputs = inputs @ weight + bias
        if index < len(layers) - 1:
            np.maximum(inputs, 0, out=inputs)
        outputs.append(inputs)
    return outputs


class Trainer:
    """Trains a network by Adam (Kingma & Ba 2015) on the mean square error.

    Hidden layers start as in He et al. (2015), the last layer at zero.

    Parameters
    ----------
    widths
        Size of the input and of every layer's output.
    random
        Source of the initial weights.

    Attributes
    ----------
    parameters
        All weights and biases as one vector.
    layers
        The same as views in the shapes of the layers.
    """

    def __init__(self, widths: list[int], random: np.random.Generator) -> None:
        shapes = list(pairwise(widths))
        self.parameters = np.zeros(sum((before + 1) * after for before, after in shapes), np.float32)
        self.layers = _views(self.parameters, shapes)
        for weight, _ in self.layers[:-1]:
            weight[:] = random.normal(0, np.sqrt(2 / len(weight)), weight.shape)
        self._gradient = np.zeros_like(self.parameters)
        self._slopes = _views(self._gradient, shapes)
        self._mean, self._square = np.zeros_like(self.parameters), np.zeros_like(self.parameters)
        self._steps = 0

    def gradient(self, inputs: Block, wanted: Block) -> Block:
        """Return the gradient of the error at `parameters`; the next call overwrites the array.

        The error is the square of `output - wanted` `[n, out]`, summed over `out` and averaged over `n`.
        """
        outputs = layer_outputs(self.layers, inputs)
        error = 2 / len(inputs) * (outputs[-1] - wanted)
        for index in range(len(self.layers) - 1, -1, -1):
            below = outputs[index - 1] if index else inputs
            np.matmul(below.T, error, out=self._slopes[index][0])
            np.sum(error, axis=0, out=self._slopes[index][1])
            if index:
                error = (error @ self.layers[index][0].T) * (below > 0)
        return self._gradient

    def step(self, inputs: Block, wanted: Block, rate: float) -> None:
        """Move `parameters` by one step of Adam at this learning rate."""
        gradient = self.gradient(inputs, wanted)
        self._steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        corrected = np.sqrt(self._square / (1 - 0.999**self._steps)) + 1e-8
        self.parameters -= rate / (1 - 0.9**self._steps) * self._mean / corrected


def _views(vector: Block, shapes: list[tuple[int, int]]) -> Layers:
    layers = []
    start = 0
    for before, after in shapes:
        middle, end = start + before * after, start + (before + 1) * after
        layers.append((vector[start:middle].reshape(before, after), vector[middle:end]))
        start = end
    return layers
