"""The fields of a training preset with their defaults and meanings; presets are `recipes/train/*.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from texpipe.networks.srresnet import MIN_SIDE, BorderPadding, Upsampler
from texpipe.texture import Colour
from texpipe.train.data.degradation import Degradation, Range
from texpipe.train.losses.features import LAYERS, Activation, Pooling, TrunkName

Fraction: TypeAlias = float


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Generator(_Options):
    """The network that is trained. With a base model, its architecture is used and the RRDBNet fields are ignored."""

    architecture: Literal["rrdbnet", "compact", "srresnet"] = "rrdbnet"
    blocks: int = Field(
        default=23,
        ge=1,
        le=64,
        description="Residual blocks: RRDBNet 6 or 23, SRResNet 4, 8 or 16. Of a Compact: convolutions, usually 16.",
    )
    features: int = Field(default=64, ge=4, le=256, description="Features of the trunk.")
    growth: int = Field(
        default=32, ge=1, le=128, description="RRDBNet: features that each dense convolution adds."
    )
    scale: int = Field(default=4, ge=1, le=8, description="Output texels per input texel and axis.")
    upsampler: Upsampler = Field(default="pixel_shuffle", description="SRResNet: how it doubles.")
    padding: BorderPadding = Field(default="zeros", description="SRResNet: what lies beyond the border.")


class Data(_Options):
    """Crops and augmentation."""

    crop: int = Field(default=32, ge=4, le=512, description="Side of the low-resolution crops, in texels.")
    batch: int = Field(default=4, ge=1, le=256, description="Crops per step and process.")
    accumulate: int = Field(
        default=1, ge=1, le=64, description="Gradients of this many batches are added before a step."
    )
    grey_chance: Fraction = Field(
        default=0.12, ge=0, le=1, description="Share of pictures made grey (I and IA textures)."
    )
    alpha_chance: Fraction = Field(
        default=0.05, ge=0, le=1, description="Share of alpha planes shown as pictures."
    )
    jitter_chance: Fraction = Field(
        default=0.5, ge=0, le=1, description="Share with changed brightness and saturation."
    )
    brightness: Range = Field(default=(0.85, 1.15), description="Factor on all channels, from and to.")
    saturation: Range = Field(default=(0.7, 1.3), description="Factor on the distance to grey, from and to.")
    darken_chance: Fraction = Field(
        default=0.1, ge=0, le=1, description="Share darkened to 0.3 to 0.8: night and cave textures."
    )
    pattern_chance: Fraction = Field(
        default=0.0, ge=0, le=1, description="Share with a mesh, grid, weave or the like drawn over them."
    )
    lettering_chance: Fraction = Field(
        default=0.0, ge=0, le=1, description="Share with a few letters written over them."
    )
    flips: bool = Field(default=True, description="Flips and quarter turns.")
    min_sharpness: float = Field(
        default=0.008,
        ge=0,
        description="Crops whose Laplacian (RMS, in [0, 1] units) is smaller are drawn again.",
    )
    pairs_share: Fraction = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of crops from `--pairs` where `--textures` are given, too.",
    )
    held_out: Fraction = Field(
        default=0.05, ge=0, lt=1, description="Share of the files kept for validation, chosen by name."
    )


class Teacher(_Options):
    """A slower model whose pictures take the place of originals: for training a fast one."""

    model: str | None = Field(default=None, description="Name or path; none leaves all originals.")
    detail: float | None = Field(
        default=None, ge=0, le=1, description="Detail of a teacher with a dial; by default as in `run`."
    )
    crops: int = Field(
        default=2000, ge=1, description="Crops that the teacher sees once; they are drawn in rounds, turned."
    )
    share: Fraction = Field(
        default=0.6,
        ge=0,
        le=1,
        description="Share of degraded crops that the teacher makes; the others keep theirs.",
    )
    unlabelled: Fraction = Field(
        default=0.3, ge=0, le=1, description="Share of crops from `--unlabelled` textures, if there are any."
    )


class Perceptual(_Options):
    """Distance between features of a frozen trunk."""

    trunk: TrunkName = Field(default="vgg16", description="vgg19 needs `weights`: no package carries it.")
    layers: dict[str, float] = Field(default={"conv5_3": 1.0}, description="Weight per layer.")
    activation: Activation = Field(
        default="before", description="Before the ReLU, as ESRGAN has it, or after."
    )
    distance: Literal["l1", "mse"] = "l1"
    weights: Path | None = Field(
        default=None, description="A file with torchvision's names; fetched if not given."
    )

    @model_validator(mode="after")
    def _layers_exist(self) -> Perceptual:
        known = [layer.name for layer in LAYERS[self.trunk]]
        for name in self.layers:
            if name not in known:
                raise ValueError(f"layers: {self.trunk} has no {name}; it has {', '.join(known)}")
        return self


class Adversarial(_Options):
    """The discriminator and its training."""

    loss: Literal["bce", "relativistic", "wasserstein"] = Field(
        default="relativistic",
        description="Binary cross-entropy, relativistic average, or Wasserstein with penalty.",
    )
    discriminator: Literal["strided", "critic", "unet", "projected"] = Field(
        default="unet",
        description="SRGAN's with batch norm, the same without (for wasserstein), U-Net, or small heads on the "
        "features of a frozen VGG16.",
    )
    features: int = Field(
        default=64, ge=4, le=256, description="Features of the discriminator's first layer, or of each head."
    )
    dense: int = Field(
        default=1024, ge=1, le=4096, description="Units of the dense layer of strided and critic."
    )
    learning_rate: float = Field(default=1e-4, gt=0, description="Of the discriminator.")
    steps: int = Field(default=1, ge=1, le=10, description="Discriminator steps per generator step.")
    real_labels: Range = Field(default=(0.85, 1.10), description="bce: real pictures' labels, from and to.")
    fake_labels: Range = Field(
        default=(0.0, 0.15), description="bce: generated pictures' labels, from and to."
    )
    flipped_labels: Fraction = Field(
        default=0.05, ge=0, le=1, description="bce: share of labels that are swapped."
    )
    gradient_penalty: float = Field(default=10.0, ge=0, description="wasserstein: weight of the penalty.")

    @model_validator(mode="after")
    def _penalty_without_norm(self) -> Adversarial:
        if self.loss == "wasserstein" and self.discriminator == "strided":
            raise ValueError("discriminator: wasserstein needs critic or unet; batch norm breaks its penalty")
        return self


class Losses(_Options):
    """Weights of the losses of a stage; 0 leaves one out."""

    l1: float = Field(default=0.0, ge=0, description="Mean absolute difference.")
    mse: float = Field(default=0.0, ge=0, description="Mean squared difference.")
    charbonnier: float = Field(default=0.0, ge=0, description="sqrt(d^2 + 1e-6), a smooth L1.")
    perceptual: float = Field(default=0.0, ge=0, description="Features as the preset's `perceptual` says.")
    lpips: float = Field(default=0.0, ge=0, description="LPIPS with VGG16; see the preset's `pooling`.")
    dists: float = Field(default=0.0, ge=0, description="DISTS.")
    lattice: float = Field(
        default=0.0,
        ge=0,
        description="Grid of the size of a texel that the result has and the original has not.",
    )
    artefacts: float = Field(
        default=0.0,
        ge=0,
        description="L1 where the result looks like an artefact (LDL); for adversarial stages.",
    )
    lr_consistency: float = Field(
        default=0.0, ge=0, description="L1 between the box-reduced result and the reduced original."
    )
    colour: float = Field(
        default=0.0, ge=0, description="L1 between the mean colours of result and original."
    )
    adversarial: float = Field(default=0.0, ge=0, description="What the discriminator thinks.")

    @model_validator(mode="after")
    def _something(self) -> Losses:
        if not any(self.model_dump().values()):
            raise ValueError("at least one loss needs a weight above 0")
        return self


class Stage(_Options):
    """A stage of the training with its own losses and learning rate."""

    name: str
    share: float = Field(gt=0, description="Part of all steps, relative to the other stages.")
    learning_rate: float = Field(default=5e-5, gt=0, description="Of the generator, after warm-up.")
    losses: Losses


class Preset(_Options):
    """A whole training. Presets live in `recipes/train/`."""

    version: Literal[1] = 1
    name: str
    about: str = Field(default="", description="What it is for and where it comes from.")
    base: str | None = Field(
        default=None, description="Model to start from: a name in models/ or a path; none starts anew."
    )
    keep_blocks: int | None = Field(
        default=None,
        ge=1,
        description="Residual blocks of the base that stay, or convolutions of a Compact: what changes the result "
        "least goes. For a faster model.",
    )
    generator: Generator = Generator()
    data: Data = Data()
    degradation: Degradation = Degradation()
    teacher: Teacher = Teacher()
    perceptual: Perceptual = Perceptual()
    pooling: Pooling = Field(
        default="max",
        description="How the VGG16 of the loss lpips pools: as published (max), or without aliasing (l2), when "
        "lpips, dists and a projected discriminator share one pass.",
    )
    adversarial: Adversarial = Adversarial()
    stages: tuple[Stage, ...] = Field(min_length=1)
    steps: int = Field(
        default=300, ge=1, description="Steps of the generator, unless the command line says otherwise."
    )
    warmup: int = Field(
        default=20, ge=0, description="Steps over which each stage's learning rate rises from 0."
    )
    final_rate: float = Field(
        default=0.2, ge=0, le=1, description="The rate falls along a cosine to this part of itself."
    )
    betas: tuple[float, float] = Field(default=(0.9, 0.99), description="Adam's decay rates.")
    ema: float = Field(
        default=0.995, ge=0, lt=1, description="Decay of the averaged weights; lower in the first steps."
    )
    clip: float = Field(default=1.0, gt=0, description="Largest norm of the generator's gradient.")
    colour: Colour = Field(default="off", description="Colour match after the network, when it is judged.")

    @model_validator(mode="after")
    def _sizes_agree(self) -> Preset:
        if self.generator.scale != self.degradation.scale:
            raise ValueError("generator.scale and degradation.scale must be equal")
        g = self.generator
        if g.architecture == "srresnet" and g.padding == "reflect" and self.data.crop < MIN_SIDE:
            raise ValueError(f"data.crop: reflection padding needs at least {MIN_SIDE} texels")
        if self.keep_blocks is not None and self.base is None:
            raise ValueError("keep_blocks: needs a base")
        strided = self.adversarial.discriminator in ("strided", "critic")
        multiple = 16 if strided else 8
        if self.adversarial.discriminator == "projected" and self.adversarial.loss == "wasserstein":
            raise ValueError("adversarial.discriminator: wasserstein needs critic or unet")
        if self.adversarial_used and self.data.crop * self.generator.scale % multiple:
            raise ValueError(
                f"data.crop: crop times scale must be a multiple of {multiple} for the discriminator"
            )
        if self.perceptual_used and self.perceptual.trunk == "vgg19" and self.perceptual.weights is None:
            raise ValueError("perceptual.weights: vgg19 needs a file; vgg16 is fetched")
        return self

    @property
    def adversarial_used(self) -> bool:
        """Whether any stage has a discriminator."""
        return any(stage.losses.adversarial for stage in self.stages)

    @property
    def shared_pass_used(self) -> bool:
        """Whether anything looks through VGG16 with the pooling that does not alias."""
        projected = self.adversarial_used and self.adversarial.discriminator == "projected"
        lpips = self.pooling == "l2" and any(stage.losses.lpips for stage in self.stages)
        return projected or lpips or any(stage.losses.dists for stage in self.stages)

    @property
    def perceptual_used(self) -> bool:
        """Whether any stage compares features."""
        return any(stage.losses.perceptual for stage in self.stages)
