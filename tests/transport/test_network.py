import numpy as np

from rtvc.transport.network import Trainer, layer_outputs


def test_the_gradient_is_the_slope_of_the_error() -> None:
    random = np.random.default_rng(0)
    trainer = Trainer([4, 6, 5, 3], random)
    parameters = trainer.parameters
    parameters += random.normal(0, 0.3, parameters.shape).astype(np.float32)
    inputs, wanted = random.normal(size=(2, 20, 4)).astype(np.float32)
    wanted = wanted[:, :3]
    gradient = trainer.gradient(inputs, wanted).copy()

    def error() -> float:
        output = layer_outputs(trainer.layers, inputs)[-1].astype(np.float64)
        return float(np.mean(np.sum((output - wanted) ** 2, axis=1)))

    measured = []
    for index in range(len(parameters)):
        kept = parameters[index]
        parameters[index] = kept + 1e-3
        above = error()
        parameters[index] = kept - 1e-3
        measured.append((above - error()) / 2e-3)
        parameters[index] = kept
    np.testing.assert_allclose(gradient, measured, atol=0.02)


def test_training_learns_a_linear_map() -> None:
    random = np.random.default_rng(0)
    trainer = Trainer([3, 16, 2], random)
    inputs = random.normal(size=(200, 3)).astype(np.float32)
    wanted = inputs[:, :2] - inputs[:, 1:]
    errors = []
    for _ in range(300):
        errors.append(float(np.mean((layer_outputs(trainer.layers, inputs)[-1] - wanted) ** 2)))
        trainer.step(inputs, wanted, 0.02)
    assert errors[-1] < 0.01 * errors[0]
