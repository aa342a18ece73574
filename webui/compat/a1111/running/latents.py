"""Noise and latents, as functions of A1111's signatures over our own."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from webui.compat.a1111.host import current
from webui.compat.a1111.running.reaching import site
from webui.diffusion.noise import ImageNoise, NoiseOptions

CELL = 8


class DecodedSamples(list[Any]):
    """Pictures (3, H, W) in 0…1 that need not be decoded again."""

    already_decoded = True


def create_random_tensors(
    shape: Sequence[int],
    seeds: Sequence[int],
    subseeds: Sequence[int] | None = None,
    subseed_strength: float = 0.0,
    seed_resize_from_h: int = 0,
    seed_resize_from_w: int = 0,
    p: Any = None,  # noqa: ANN401 - a processing object
) -> Tensor:
    """The first noise (B, C, h, w) of pictures, of latents of a shape (C, h, w)."""
    options = current().ready.settings.current.image
    small = (max(seed_resize_from_h, 0) // CELL, max(seed_resize_from_w, 0) // CELL)
    noise = ImageNoise(
        (int(shape[0]), int(shape[1]), int(shape[2])),
        [int(each) for each in seeds],
        NoiseOptions(
            source=options.randn_source,
            variation_seeds=tuple(int(each) for each in subseeds or ()),
            variation_strength=float(subseed_strength or 0),
            resize_from=small if all(small) else None,
        ),
        site("devices").device,
    )
    return noise.draw()


def decode_latent_batch(
    model: Any,  # noqa: ANN401 - the facade of the checkpoint
    batch: Any,  # noqa: ANN401 - a latent, or pictures
    target_device: Any = None,  # noqa: ANN401 - a device or its name
    check_for_nans: bool = False,
) -> DecodedSamples:
    """Pictures (3, H, W) in -1…1 of latents (B, C, h, w), decoded one by one."""
    if getattr(batch, "already_decoded", False):
        return batch
    decoded = DecodedSamples()
    for single in batch.split(1):
        pixels = decode(single, model) * 2 - 1
        decoded.append((pixels if target_device is None else pixels.to(target_device))[0])
    return decoded


def decode(latent: Tensor, model: Any) -> Tensor:  # noqa: ANN401 - as above
    """A latent as a picture (1, 3, H, W) in 0…1."""
    # Brings diffusers, which no page waits for.
    from webui.models.loaded_model import LoadedModel
    from webui.pipelines.setup import decode_latent

    run = current().runs.innermost
    loaded = getattr(model, "loaded", None)
    if isinstance(loaded, LoadedModel) and run is not None:
        return decode_latent(latent, run.request, loaded)
    decoded = model.decode_first_stage(latent)
    return ((decoded.float() + 1) / 2).clamp(0, 1).cpu()


__all__ = ["DecodedSamples", "create_random_tensors", "decode_latent_batch"]
