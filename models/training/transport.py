"""The optimal-transport map inside the training loop, differentiable.

The same map as `rtvc.transport.mkl` with one block or with blocks of one dimension, on stretches of a few seconds.
Square roots come from the coupled Newton-Schulz iteration (Higham, 2008, §6.7), whose gradient is tame where that of
an eigendecomposition is not.
"""

from __future__ import annotations

import torch
from torch import Tensor

SHRINKAGE = 0.15
ITERATIONS = 12


def moments(features: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean `[batch, 1, dim]` and shrunk covariance `[batch, dim, dim]` of the active frames."""
    weight = active[..., None] / active.sum(dim=1).clamp(min=1)[:, None, None]
    mean = (features * weight).sum(dim=1, keepdim=True)
    centred = features - mean
    covariance = (centred * weight).transpose(1, 2) @ centred
    variance = torch.diagonal(covariance, dim1=1, dim2=2)
    return mean, (1 - SHRINKAGE) * covariance + torch.diag_embed(SHRINKAGE * variance + 1e-3)


def transport(features: Tensor, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor], full: bool) -> Tensor:
    """Carry `[batch, frames, dim]` from the source's moments to the target's; per dimension unless `full`."""
    (source_mean, source_covariance), (target_mean, target_covariance) = source, target
    if full:
        root, inverse = square_roots(source_covariance)
        middle, _ = square_roots(root @ target_covariance @ root)
        return (features - source_mean) @ (inverse @ middle @ inverse) + target_mean
    ratio = torch.diagonal(target_covariance, dim1=1, dim2=2) / torch.diagonal(source_covariance, dim1=1, dim2=2)
    return (features - source_mean) * torch.sqrt(ratio)[:, None] + target_mean


def square_roots(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the square root and the inverse square root of positive definite matrices `[batch, dim, dim]`."""
    norm = torch.linalg.matrix_norm(matrix, keepdim=True)
    identity = torch.eye(matrix.shape[-1], device=matrix.device, dtype=matrix.dtype)
    root, inverse = matrix / norm, identity.expand_as(matrix)
    for _ in range(ITERATIONS):
        step = 1.5 * identity - 0.5 * inverse @ root
        root, inverse = root @ step, step @ inverse
    return root * torch.sqrt(norm), inverse / torch.sqrt(norm)
