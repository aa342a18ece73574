"""Puts regional prompts into a pass: through cross attention, or by blending predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from extensions.regional_prompts.attention import RegionalAttention
from extensions.regional_prompts.blending import Blending
from extensions.regional_prompts.part import RegionalPrompts
from webui.plugins import Batch, Conditioning, Context, Denoising, EncodedPart, InvalidRequest

# AND parts of a picture's regions, of the prompt or the negative prompt.
Regions = list[tuple[EncodedPart, ...]]


def install(denoising: Denoising, part: RegionalPrompts, batch: Batch, context: Context) -> None:
    """Encode the regions' prompts and change the pass. Raises InvalidRequest."""
    assert denoising.encode is not None, "a pass that is made from a request encodes"
    height, width = denoising.noise.shape[-2:]
    shares = shares_of(part, draw_masks(part, context, height, width))
    prompts: list[Regions] = []
    negatives: list[Regions] = []
    for picture in batch.pictures:
        split = part.split(picture.prompt, picture.negative_prompt)
        encoded = [denoising.encode(*each) for each in split.regions]
        prompts.append([each[0] for each in encoded])
        negatives.append([each[1] for each in encoded])
    if part.calculation == "Latent":
        blend(denoising, shares, prompts)
        return
    if any(len(parts) > 1 for regions in (*prompts, *negatives) for parts in regions):
        raise InvalidRequest(
            f"{part.title}: AND cannot stand in a region's prompt. Choose the mode Latent for it."
        )
    guidance = denoising.guidance
    attention = RegionalAttention(
        shares,
        [[parts[0] for parts in regions] for regions in prompts],
        [[parts[0] for parts in regions] for regions in negatives],
        guidance.padding if guidance.pad_cond_uncond and not guidance.pad_cond_uncond_v0 else None,
    )
    denoising.adapters.append(attention)
    denoising.before_network.append(attention.add_regions)
    # Innermost, where the masks are those of the tile that the network gets.
    denoising.around_network.insert(0, attention.take_masks)


def blend(denoising: Denoising, shares: Tensor, prompts: list[Regions]) -> None:
    """Each region as a prompt of its own, whose predictions are blended by the masks."""
    areas = [float(share.mean()) for share in shares]
    images: list[tuple[EncodedPart, ...]] = []
    places: list[list[tuple[int, float]]] = []
    for base, regions in zip(denoising.cond.images, prompts, strict=True):
        parts: list[EncodedPart] = []
        of_parts: list[tuple[int, float]] = []
        for number, group in enumerate([base, *regions]):
            # A base prompt that is seen nowhere is not evaluated.
            for each in group if areas[number] > 0 else ():
                parts.append(replace(each, weight=each.weight * areas[number]))
                of_parts.append((number, each.weight))
        images.append(tuple(parts))
        places.append(of_parts)
    blending = Blending(shares, places, denoising.guidance.combine)
    denoising.cond = Conditioning(tuple(images))
    denoising.guidance = replace(denoising.guidance, combine=blending)


def draw_masks(part: RegionalPrompts, context: Context, height: int, width: int) -> Tensor:
    """Masks of the regions (R, h, w), 0 to 1, at the latent's size. Raises NotFound for a lost picture."""
    if part.mode == "Matrix":
        # Drawn finer, so that an edge may lie within a cell.
        fine = 8
        masks = torch.zeros(len(part.boxes), height * fine, width * fine)
        for mask, (left, top, right, bottom) in zip(masks, part.boxes, strict=True):
            rows = slice(round(top * height * fine), round(bottom * height * fine))
            columns = slice(round(left * width * fine), round(right * width * fine))
            mask[rows, columns] = 1
    else:
        pictures = [context.inputs.open(each).convert("L") for each in part.masks]
        size = pictures[0].size
        arrays = [np.asarray(each.resize(size), np.float32) / 255 for each in pictures]
        masks = torch.from_numpy(np.stack(arrays))
    return functional.adaptive_avg_pool2d(masks, (height, width))


def shares_of(part: RegionalPrompts, masks: Tensor) -> Tensor:
    """How much each prompt counts in each cell (1 + R, h, w), the base prompt first; together 1."""
    together = masks.sum(dim=0)
    bases = torch.tensor(part.base_shares)[:, None, None]
    regions = masks / together.clamp_min(1) * (1 - bases)
    # What no region covers is the base prompt's. Rounding leaves it nothing where they cover all.
    base = 1 - regions.sum(dim=0)
    return torch.cat([torch.where(base.abs() < 1e-5, 0.0, base)[None], regions])
