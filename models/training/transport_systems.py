"""The objectives of trained transports: NOT-VC and XNOT-VC (arXiv 2411.02402), and CVC (arXiv 2011.00782).

Each system owns its nets and optimisers and takes one outer step at a time on standardised running speech
`[batch, frames, dim]` of the sources (x) and of the target (y). Its `average` is the exponential mean of the map's
weights: the last iterate of a saddle-point problem circles around the solution.
"""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.streaming import StreamingState
from models.training.precision import autocast
from models.transports import Critic, Projections, TransportNet

Draw = Callable[[], Tensor]
"""Returns a fresh batch `[batch, frames, dim]`."""

TEMPERATURE = 0.07
NCE_LAYERS = 5
INNER_STEPS = 10
LEAST_RATE = 0.05
"""The learning rate falls along a cosine to this share."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Objective:
    """What to train.

    Attributes
    ----------
    system
        `not`, `xnot` or `cvc`.
    weight
        w of XNOT: the map needs 1/w of the target's mass.
    identity
        µ of CVC: the weight of the contrastive loss on the target's own speech.
    rate
        Initial learning rate.
    """

    system: str
    weight: float = 1.0
    identity: float = 1.0
    rate: float = 5e-4


class System(nn.Module):
    """A map with the critics and optimisers that train it."""

    def __init__(self, net: TransportNet, objective: Objective, averaging: float) -> None:
        super().__init__()
        self.net = net
        self.objective = objective
        self.average = copy.deepcopy(net).requires_grad_(False)
        self.averaging = averaging
        self.optimisers: dict[str, torch.optim.Optimizer] = {}

    @abstractmethod
    def advance(self, sources: Draw, targets: Draw, progress: float) -> dict[str, float]:
        """Take one outer step; `progress` goes from 0 to 1 over the training. Return losses by name."""

    def set_rate(self, progress: float) -> None:
        """Set the learning rate: a cosine from the objective's to `LEAST_RATE` of it."""
        share = LEAST_RATE + (1 - LEAST_RATE) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = self.objective.rate * share

    def follow(self, step: int) -> None:
        """Move the average towards the net."""
        keep = min(self.averaging, step / (step + 10))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)

    def state(self) -> dict[str, object]:
        """Return everything that a resumed training needs."""
        return {
            "nets": self.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
        }

    def restore(self, state: dict[str, dict[str, dict[str, object]]]) -> None:
        """Go on from what `state` returned."""
        self.load_state_dict(state["nets"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])


class NeuralTransport(System):
    """NOT: `sup_f inf_T E[c(x, T(x)) − f(T(x))] + w · E[f(y)]` with the quadratic cost c, a mean over elements.

    One outer step is ten steps of `min_T mean(c(x, T(x)) − f(T(x)))` and one of `min_f mean f(T(x)) − w · mean f(y)`.
    NOT has w = 1 and any f. XNOT has `f = −|h| ≤ 0` and w ≥ 1, reached along a ramp over the first half of training:
    T then needs only 1/w of the target's mass.
    """

    def __init__(
        self, net: TransportNet, objective: Objective, kernel: int = 5, averaging: float = 0.99, width: int = 256
    ) -> None:
        super().__init__(net, objective, averaging)
        self.critic = Critic(len(net.configuration.ordinary), width, kernel)
        for name, parameters in (("map", self.net), ("critic", self.critic)):
            self.optimisers[name] = torch.optim.Adam(parameters.parameters(), objective.rate)

    def potential(self, x: Tensor) -> Tensor:
        """Return f of each stretch."""
        scores: Tensor = self.critic(x)
        return -scores.abs() if self.objective.system == "xnot" else scores

    def weight(self, progress: float) -> float:
        """Return w at this share of the training."""
        return 1.0 + (self.objective.weight - 1.0) * min(1.0, 2 * progress)

    def advance(self, sources: Draw, targets: Draw, progress: float) -> dict[str, float]:
        """Take ten steps of the map and one of the potential."""
        self.set_rate(progress)
        self.critic.requires_grad_(False)
        for _ in range(INNER_STEPS):
            x = sources()
            with autocast(CPU):
                moved = self.net.move(x)
                cost, value = functional.mse_loss(moved, x), self.potential(moved).mean()
            _descend(self.optimisers["map"], cost - value)
        self.critic.requires_grad_(True)
        x, y = sources(), targets()
        weight = self.weight(progress)
        with autocast(CPU):
            with torch.no_grad():
                moved = self.net.move(x)
            there, here = self.potential(y).mean(), self.potential(moved).mean()
        _descend(self.optimisers["critic"], here - weight * there)
        return {"cost": cost.item(), "gap": (weight * there - here).item(), "w": weight}


class ContrastiveTransport(System):
    """CVC: least-squares GAN + ½ (NCE(X) + µ NCE(Y)).

    NCE makes the net see the same in a frame of the output as in that frame of the input, and something else than in
    all other frames of the input. NCE(Y) asks the same of the target's own speech.
    """

    def __init__(
        self, net: TransportNet, objective: Objective, kernel: int = 5, averaging: float = 0.99, width: int = 256
    ) -> None:
        super().__init__(net, objective, averaging)
        self.critic = Critic(len(net.configuration.ordinary), width, kernel)
        self.projections = Projections(net.configuration.width, NCE_LAYERS)
        for name, nets in (("map", [self.net, self.projections]), ("critic", [self.critic])):
            parameters = [parameter for part in nets for parameter in part.parameters()]
            self.optimisers[name] = torch.optim.Adam(parameters, objective.rate, betas=(0.5, 0.999))

    def advance(self, sources: Draw, targets: Draw, progress: float) -> dict[str, float]:
        """Take one step of the discriminator and one of the map."""
        self.set_rate(progress)
        x, y = sources(), targets()
        with autocast(CPU):
            moved = self.net.move(x)
            real, made = self.critic(y), self.critic(moved.detach())
            judged = ((real - 1).square().mean() + made.square().mean()) / 2
        _descend(self.optimisers["critic"], judged)
        self.critic.requires_grad_(False)
        with autocast(CPU):
            fooled = (self.critic(moved) - 1).square().mean()
            content = self.contrastive(x, moved)
            total = fooled + content / 2
            if self.objective.identity:
                own = self.contrastive(y, self.net.move(y))
                total = total + self.objective.identity * own / 2
        _descend(self.optimisers["map"], total)
        self.critic.requires_grad_(True)
        return {"gan": fooled.item(), "judged": judged.item(), "content": content.item()}

    def contrastive(self, x: Tensor, moved: Tensor) -> Tensor:
        """Return the loss of the map's view of `moved` against that of `x`, averaged over layers.

        The first frames are left out: padding would tell where they are.
        """
        past = self.net.configuration.past
        views = []
        for frames in (moved, x):
            outputs = self.net.layers(frames, StreamingState())[:NCE_LAYERS]
            views.append(self.projections([output[:, past:] for output in outputs]))
        losses = [patch_nce(query, key.detach()) for query, key in zip(*views, strict=True)]
        return torch.stack(losses).mean()


def patch_nce(query: Tensor, key: Tensor) -> Tensor:
    """Return `−log(exp(q·v⁺/τ) / (exp(q·v⁺/τ) + Σ exp(q·v⁻/τ)))` of unit vectors `[batch, frames, size]`.

    v⁺ is the same frame of the same row in `key`, v⁻ are its other frames. N + 1 frames that all look alike give
    `ln(N + 1)`.
    """
    scores = query @ key.transpose(1, 2) / TEMPERATURE
    positions = torch.arange(scores.shape[1]).expand(scores.shape[:2])
    return functional.cross_entropy(scores.flatten(0, 1).float(), positions.flatten())


def make_system(
    net: TransportNet, objective: Objective, kernel: int = 5, averaging: float = 0.99, width: int = 256
) -> System:
    """Return the objective's system around a net; `kernel` and `width` are those of the critic."""
    kind = ContrastiveTransport if objective.system == "cvc" else NeuralTransport
    return kind(net, objective, kernel, averaging, width)


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one step, unless the gradient is not finite."""
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    if torch.isfinite(nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])):
        optimiser.step()
