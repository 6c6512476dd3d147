"""Terms of the training loss: differences, feature distances and adversarial losses.

All pictures are N x 3 x H x W in [0, 1]; all losses are scalars, means over the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from texpipe.train.data.degradation import Range
from texpipe.train.losses.features import Trunk, lpips
from texpipe.train.schema import Adversarial, Losses, Perceptual

Features = Callable[[Tensor, Tensor], Tensor]

_LDL_WINDOW = 7
"""Side of the window in which LDL looks at the error's variance, in pixels."""


def reconstruction(
    weights: Losses, result: Tensor, hr: Tensor, scale: int, features: Mapping[str, Features]
) -> dict[str, Tensor]:
    """Compute every loss of a stage that compares the result with nothing but the original.

    Args:
        weights: the stage's weights; losses with weight 0 are not computed.
        result: the generator's pictures.
        hr: the originals.
        scale: scale of the generator, for the LR-consistency.
        features: `perceptual`, `lpips` and `dists`, as far as the stage needs them.

    Returns:
        Unweighted losses by name.
    """
    possible: dict[str, Features] = {
        "l1": functional.l1_loss,
        "mse": functional.mse_loss,
        "charbonnier": charbonnier,
        "lr_consistency": lambda ours, theirs: lr_consistency(ours, theirs, scale),
        "colour": colour,
        "lattice": lambda ours, theirs: lattice(ours, theirs, scale),
        **features,
    }
    wanted = weights.model_dump(exclude={"adversarial", "artefacts"})
    return {name: possible[name](result, hr) for name, weight in wanted.items() if weight}


def charbonnier(result: Tensor, hr: Tensor) -> Tensor:
    """Return the mean of sqrt(d^2 + 1e-6): an L1 loss that is smooth at 0 (Lai et al. 2017, arXiv:1704.03915)."""
    return ((result - hr).square() + 1e-6).sqrt().mean()


def lr_consistency(result: Tensor, hr: Tensor, scale: int) -> Tensor:
    """Return L1 between the box-reduced result and the box-reduced original.

    The reduced original replaces the console's texture, whose dither and rounding must not be learnt.
    """
    return functional.l1_loss(functional.avg_pool2d(result, scale), functional.avg_pool2d(hr, scale))


def colour(result: Tensor, hr: Tensor) -> Tensor:
    """Return L1 between the mean colours of each picture."""
    return functional.l1_loss(result.mean(dim=(2, 3)), hr.mean(dim=(2, 3)))


def lattice(result: Tensor, hr: Tensor, scale: int) -> Tensor:
    """How much the result is lighter or darker at some places within each texel than at others, on the average.

    The original favours no place, so this is the grid of `scale` pixels that upsampling leaves in grain.

    Args:
        result: what the generator made, H and W multiples of `scale`.
        hr: what it should have made.
        scale: pixels per texel and axis.
    """
    count, channels, height, width = result.shape
    texels = (result - hr).reshape(count, channels, height // scale, scale, width // scale, scale)
    places = texels.mean(dim=(0, 2, 4))
    return (places - places.mean(dim=(1, 2), keepdim=True)).abs().mean()


def artefacts(result: Tensor, averaged: Tensor, hr: Tensor) -> Tensor:
    """L1 where the result looks like an artefact (LDL, Liang et al. 2022, arXiv:2203.09195).

    That is where the error varies from pixel to pixel and is larger than the averaged weights' error, which are calmer.
    Detail that only lies a little beside the original's is spared.

    Args:
        result: what the generator made.
        averaged: what its averaged weights made.
        hr: what it should have made.
    """
    with torch.no_grad():
        ours = (result - hr).abs().sum(dim=1, keepdim=True)
        calm = (averaged - hr).abs().sum(dim=1, keepdim=True)
        padded = functional.pad(ours, [_LDL_WINDOW // 2] * 4, "reflect")
        mean = functional.avg_pool2d(padded, _LDL_WINDOW, 1)
        local = (functional.avg_pool2d(padded.square(), _LDL_WINDOW, 1) - mean.square()).clamp_min(0)
        weight = ours.var(dim=(1, 2, 3), keepdim=True) ** 0.2 * local
        weight = torch.where(ours < calm, 0.0, weight)
    return (weight * (result - hr).abs()).mean()


def perceptual(trunk: Trunk, options: Perceptual) -> Features:
    """Return a function for the distance between features of a trunk, by the preset's options."""
    distance = functional.l1_loss if options.distance == "l1" else functional.mse_loss

    def compare(result: Tensor, hr: Tensor) -> Tensor:
        ours = trunk(result, options.layers, options.activation)
        with torch.no_grad():
            theirs = trunk(hr, options.layers, options.activation)
        parts = [weight * distance(ours[name], theirs[name]) for name, weight in options.layers.items()]
        return torch.stack(parts).sum()

    return compare


def lpips_loss(trunk: Trunk) -> Features:
    """Return a function for the mean LPIPS distance; nothing is clamped, so values out of range have a gradient."""
    return lambda result, hr: lpips(trunk, result, hr).mean()


def generator_loss(options: Adversarial, fake: Tensor, real: Tensor | None) -> Tensor:
    """Return the generator's adversarial loss.

    Args:
        options: the kind of loss.
        fake: logits of generated pictures, N x ...
        real: logits of real ones; only the relativistic loss uses them.
    """
    if options.loss == "wasserstein":
        return -fake.mean()
    if options.loss == "relativistic":
        assert real is not None
        return (_bce(fake - _usual(real), 1.0) + _bce(real - _usual(fake), 0.0)) / 2
    return _bce(fake, 1.0)


def discriminator_loss(
    options: Adversarial, network: nn.Module, real: Tensor, fake: Tensor, random: torch.Generator
) -> Tensor:
    """Return the discriminator's loss.

    bce (Goodfellow et al. 2014) with soft labels from a range, some of them swapped (Salimans et al. 2016,
    arXiv:1606.03498); relativistic average (Jolicoeur-Martineau 2018, arXiv:1807.00734); Wasserstein with
    gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028).

    Args:
        options: the kind of loss.
        network: the discriminator, N x 3 x H x W -> logits N x ...
        real: pictures from the data.
        fake: pictures from the generator, detached.
        random: draws labels and the penalty's positions.
    """
    on_real, on_fake = network(real), network(fake)
    if options.loss == "wasserstein":
        penalty = gradient_penalty(network, real, fake, random)
        critic: Tensor = on_fake.mean() - on_real.mean() + options.gradient_penalty * penalty
        return critic
    if options.loss == "relativistic":
        return (_bce(on_real - _usual(on_fake), 1.0) + _bce(on_fake - _usual(on_real), 0.0)) / 2
    real_labels, fake_labels = soft_labels(options, len(real), random)
    return (_bce(on_real, real_labels) + _bce(on_fake, fake_labels)) / 2


def soft_labels(options: Adversarial, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw one label per real and per generated picture; a share of both is swapped."""
    real = _uniform(options.real_labels, count, random)
    fake = _uniform(options.fake_labels, count, random)
    swap = torch.rand(count, generator=random) < options.flipped_labels
    return torch.where(swap, fake, real), torch.where(swap, real, fake)


def gradient_penalty(network: nn.Module, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
    """Return the mean squared distance of the critic's slope from 1, at random points between real and fake."""
    share = torch.rand(len(real), 1, 1, 1, generator=random).to(real.device)
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    score = network(between).sum()
    (slope,) = torch.autograd.grad(score, between, create_graph=True)
    # The floor keeps the root differentiable where a fresh critic is flat.
    length = (slope.square().sum(dim=(1, 2, 3)) + 1e-12).sqrt()
    return (length - 1).square().mean()


def _usual(logits: Tensor) -> Tensor:
    """Mean logit of each verdict (dimension 1): the heads of a projected discriminator have scales of their own."""
    return logits.mean(dim=[i for i in range(logits.dim()) if i != 1], keepdim=True)


def _bce(logits: Tensor, labels: Tensor | float) -> Tensor:
    """Return the binary cross-entropy with one label for all, or one per picture."""
    logits = logits.float()  # in bf16 it would lose its last digits
    if isinstance(labels, Tensor):
        target = labels.to(logits.device).reshape(-1, *[1] * (logits.dim() - 1)).expand_as(logits)
    else:
        target = torch.full_like(logits, labels)
    return functional.binary_cross_entropy_with_logits(logits, target)


def _uniform(limits: Range, count: int, random: torch.Generator) -> Tensor:
    low, high = limits
    return low + (high - low) * torch.rand(count, generator=random)
