"""The optimal-transport map, differentiable, for the training loop.

The same map as `rtvc.transport.mkl`, on stretches of a few seconds. Square roots come from the coupled Newton-Schulz
iteration (Higham, 2008, §6.7): its gradient stays bounded where that of an eigendecomposition does not.
"""

from __future__ import annotations

import torch
from torch import Tensor

SHRINKAGE = 0.15
ITERATIONS = 12


Moments = tuple[Tensor, Tensor]
"""Mean `[batch, 1, dim]` and covariance `[batch, dim, dim]`."""


def moments(features: Tensor, active: Tensor) -> Moments:
    """Return mean and shrunk covariance of the active frames of `features` `[batch, frames, dim]`."""
    weight = active[..., None] / active.sum(dim=1).clamp(min=1)[:, None, None]
    mean = (features * weight).sum(dim=1, keepdim=True)
    centred = features - mean
    covariance = (centred * weight).transpose(1, 2) @ centred
    variance = torch.diagonal(covariance, dim1=1, dim2=2)
    return mean, (1 - SHRINKAGE) * covariance + torch.diag_embed(SHRINKAGE * variance + 1e-3)


def transport(features: Tensor, source: Moments, target: Moments, block: int, learned: int) -> Tensor:
    """Map features `[batch, frames, dim]` from the source's moments to the target's.

    As at run time, the first `learned` dimensions are ordered by the source's deviation (MKL-VC) and mapped in blocks
    of `block`, which must divide their number; the others, the cepstra, are one block.
    """
    parts = []
    for part, size in ((slice(learned), block), (slice(learned, None), features.shape[2] - learned)):
        if size:
            here, there = ((mean[..., part], covariance[:, part, part]) for mean, covariance in (source, target))
            parts.append(_carry(features[..., part], here, there, size))
    return torch.cat(parts, dim=2)


def _carry(features: Tensor, source: Moments, target: Moments, block: int) -> Tensor:
    (source_mean, source_covariance), (target_mean, target_covariance) = source, target
    order = torch.diagonal(source_covariance, dim1=1, dim2=2).argsort(dim=1, descending=True)
    root, inverse = square_roots(_blocks(source_covariance, order, block))
    middle, _ = square_roots(root @ _blocks(target_covariance, order, block) @ root)
    centred = torch.take_along_dim(features - source_mean, order[:, None], dim=2)
    moved = centred.reshape(*centred.shape[:2], -1, block).transpose(1, 2) @ (inverse @ middle @ inverse)
    return torch.take_along_dim(moved.transpose(1, 2).flatten(2), order.argsort(dim=1)[:, None], dim=2) + target_mean


def _blocks(covariance: Tensor, order: Tensor, block: int) -> Tensor:
    """Return the diagonal blocks `[batch, dim / block, block, block]` of covariances in another order."""
    ordered = torch.take_along_dim(torch.take_along_dim(covariance, order[:, None], 2), order[..., None], 1)
    count = covariance.shape[1] // block
    parts = ordered.reshape(-1, count, block, count, block)
    return torch.diagonal(parts, dim1=1, dim2=3).movedim(-1, 1)


def square_roots(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the square root and the inverse square root of positive definite matrices `[…, dim, dim]`."""
    norm = torch.linalg.matrix_norm(matrix, keepdim=True)
    identity = torch.eye(matrix.shape[-1], device=matrix.device, dtype=matrix.dtype)
    root, inverse = matrix / norm, identity.expand_as(matrix)
    for _ in range(ITERATIONS):
        step = 1.5 * identity - 0.5 * inverse @ root
        root, inverse = root @ step, step @ inverse
    return root * torch.sqrt(norm), inverse / torch.sqrt(norm)
