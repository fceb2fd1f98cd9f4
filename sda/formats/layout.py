"""Which tensors a model file must hold: names and shapes that follow from its specs, in plain arithmetic.

The networks themselves are built elsewhere; this is how a file is checked before any of them exists.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from sda.errors import ModelError
from sda.spec import EXCITATION_GROUPS, GeneratorSpec, NetworkSpec, OldVaeSpec, VaeSpec

Shape = tuple[int, ...]

NECK = 48  # channels before the encoder's linear layer
OLD_HEADS = ("encoder.fc_mu", "encoder.fc_logvar")
NORM = ("weight", "bias", "running_mean", "running_var")  # of a batch normalisation
ANALYSIS = ("home", "curves", "spread")
ANALYSIS_NAME = re.compile(r"analysis\.[a-z0-9_.]{1,80}")
LIMIT = 1 << 16  # of any dimension of an analysis tensor


def _layer(name: str, *weight: int, bias: int | None = None) -> dict[str, Shape]:
    """A layer's weight and its bias, which is as long as the weight's first dimension unless said."""
    return {f"{name}.weight": weight, f"{name}.bias": (weight[0] if bias is None else bias,)}


def _residual(name: str, width: int) -> dict[str, Shape]:
    norms = _layer(f"{name}.norm1", width) | _layer(f"{name}.norm2", width)
    return norms | _layer(f"{name}.conv1", width, width, 3) | _layer(f"{name}.conv2", width, width, 3)


def vae_shapes(spec: VaeSpec) -> dict[str, Shape]:
    """Shapes of a VAE's tensors by the names they have in a file."""
    mels, latent, width, short = spec.n_mels, spec.latent, spec.width, spec.frames // 8
    pixels = mels * spec.frames
    encoder = _layer("encoder.conv_in", width, mels, 5) | _layer("encoder.norm", width) | _layer("encoder.neck", NECK, width, 1)
    encoder |= _layer("encoder.head", 2 * latent, NECK * short) | _layer("encoder.skip", latent, pixels)
    decoder = _layer("decoder.stem", width * short, latent) | _layer("decoder.norm", width)
    decoder |= _layer("decoder.conv_out", mels, width, 3) | _layer("decoder.skip", pixels, latent)
    for n in range(4):
        encoder |= _residual(f"encoder.blocks.{n}", width)
        decoder |= _residual(f"decoder.blocks.{n}", width)
    for n in range(3):
        encoder |= _layer(f"encoder.downs.{n}", width, width, 4)
        decoder |= _layer(f"decoder.ups.{n}", width, width, 3)
    bands: dict[str, Shape] = {"band_mean": (mels,), "band_std": (mels,)}
    return {f"vae.{name}": shape for name, shape in (bands | encoder | decoder).items()}


def old_vae_shapes(spec: OldVaeSpec) -> dict[str, Shape]:
    """Shapes of an old VAE's tensors by the names they have in its own file."""
    inner = math.prod(spec.inner)
    shapes = _layer("decoder.fc", inner, spec.latent)
    for head in OLD_HEADS if spec.encodes else ():
        shapes |= _layer(head, spec.latent, inner)
    down, up = (1, *spec.channels), (*reversed(spec.channels), 1)
    for n in range(4):
        shapes |= _layer(f"encoder.convs.{4 * n}", down[n + 1], down[n], 3, 3)
        shapes |= _layer(f"decoder.deconvs.{4 * n}", up[n], up[n + 1], 3, 3, bias=up[n + 1])
        shapes |= {f"encoder.convs.{4 * n + 1}.{part}": (down[n + 1],) for part in NORM}
        if n < 3:
            shapes |= {f"decoder.deconvs.{4 * n + 1}.{part}": (up[n + 1],) for part in NORM}
    return shapes


def network_shapes(spec: NetworkSpec) -> dict[str, Shape]:
    """Shapes of a model's VAE by the names they have in a file of this version."""
    if isinstance(spec, VaeSpec):
        return vae_shapes(spec)
    return {f"vae.{name}": shape for name, shape in old_vae_shapes(spec).items()}


def generator_shapes(spec: GeneratorSpec) -> dict[str, Shape]:
    """Shapes of a vocoder's tensors by the names they have in a file."""
    shapes: dict[str, Shape] = {"mel_mean": (spec.n_mels,), "mel_std": ()}
    shapes |= _layer("conv_pre", spec.channels, spec.inputs, 7)
    channels, block = spec.channels, 0
    for stage, kernel in enumerate(spec.kernels[: spec.built]):
        shapes |= _layer(f"ups.{stage}", channels, channels // 2, kernel, bias=channels // 2)
        channels //= 2
        if stage in spec.excitation_taps:
            shapes[f"excitations.{stage}.weight"] = (channels, 2, spec.excitation_taps[stage])
        if stage == 0 and spec.excited:
            shapes |= _layer("mixer.gate", 2 * EXCITATION_GROUPS, channels, 1)
        for taps in spec.res_kernels:
            for n in range(len(spec.dilations)):
                for part in ("convs1", "convs2"):
                    shapes |= _layer(f"resblocks.{block}.{part}.{n}", channels, channels, taps)
            block += 1
    if not spec.mixer_only:
        shapes |= _layer("conv_post", 1, channels, 7)
    return {f"vocoder.{name}": shape for name, shape in shapes.items()}


def check_shapes(shapes: Mapping[str, Shape], vae: NetworkSpec, vocoder: GeneratorSpec | None) -> None:
    """Raise `ModelError` unless these are the tensors of a model with these specs.

    The analysis is there as a whole or not at all: home [Z], curves [S, P, Z], spread [Z, K]; it may hold more.
    """
    expected = network_shapes(vae) | (generator_shapes(vocoder) if vocoder else {})
    analysis = {name: shape for name, shape in shapes.items() if name.startswith("analysis.")}
    if missing := sorted(expected.keys() - shapes.keys()):
        raise ModelError(f"lacks {len(missing)} of the {len(expected)} tensors its specs imply, {missing[0]!r} first")
    if unknown := sorted(shapes.keys() - expected.keys() - analysis.keys()):
        raise ModelError(f"holds {len(unknown)} tensors its specs do not imply, {unknown[0][:80]!r} first")
    for name, shape in expected.items():
        if shapes[name] != shape:
            raise ModelError(f"tensor {name}: expected the shape {list(shape)}, found {str(list(shapes[name]))[:80]}")
    if analysis:
        _check_analysis(analysis, vae.latent)


def _check_analysis(shapes: Mapping[str, Shape], latent: int) -> None:
    for name, shape in shapes.items():
        if not ANALYSIS_NAME.fullmatch(name) or len(shape) > 4 or max(shape, default=0) > LIMIT:
            raise ModelError(f"tensor {name[:80]!r}: not an analysis tensor this program knows, shape {str(list(shape))[:80]}")
    home, curves, spread = (shapes.get(f"analysis.{name}", ()) for name in ANALYSIS)
    good = home == (latent,) and len(curves) == 3 and curves[1] >= 2 and curves[2] == latent
    if not (good and len(spread) == 2 and spread[0] == latent):
        found = f"home {list(home)}, curves {list(curves)}, spread {list(spread)}"
        raise ModelError(f"analysis: expected home [{latent}], curves [S, P, {latent}], spread [{latent}, K], found {found}")
