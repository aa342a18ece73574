"""Puts the kinds of guidance that a request asks for into a pass."""

from __future__ import annotations

from dataclasses import replace

from extensions.guidance.attention import AttentionRecorder, Perturbation, SkippedLayers, matching_blocks
from extensions.guidance.formula import Formula, Term
from extensions.guidance.freeu import FreeUAdapter
from extensions.guidance.parts import (
    CfgRescale,
    DynamicThresholding,
    FreeU,
    PerturbedAttention,
    SelfAttention,
    SkipLayer,
)
from extensions.guidance.terms import AttentionTerm, DifferenceTerm
from extensions.guidance.thresholding import threshold
from webui.plugins import Denoising, GenerationRequest, InvalidRequest


def install(denoising: Denoising, request: GenerationRequest) -> None:
    """Add hooks and adapters to a pass. Raises InvalidRequest for blocks that the network has not."""
    freeu = FreeU.of(request)
    if freeu is not None:
        adapter = FreeUAdapter(freeu)
        denoising.adapters.append(adapter)
        denoising.before_network.append(adapter)
    terms = make_terms(denoising, request)
    thresholding, rescale = DynamicThresholding.of(request), CfgRescale.of(request)
    if not terms and thresholding is None and rescale is None:
        return
    base = denoising.guidance.combine
    formula = Formula(
        base,
        terms,
        None if thresholding is None else threshold(thresholding),
        0.0 if rescale is None else rescale.phi,
    )
    denoising.after_network.append(formula)
    denoising.guidance = replace(denoising.guidance, combine=formula.combine)


def make_terms(denoising: Denoising, request: GenerationRequest) -> list[Term]:
    """What is added to the guided result. What it needs of the network is attached with the pass."""
    terms: list[Term] = []
    self_attention = SelfAttention.of(request)
    if self_attention is not None:
        recorder = AttentionRecorder()
        denoising.adapters.append(recorder)
        denoising.before_network.append(recorder)
        terms.append(AttentionTerm(self_attention, recorder))
    perturbed = PerturbedAttention.of(request)
    if perturbed is not None:
        check_blocks(denoising, perturbed)
        switch = Perturbation(perturbed.blocks)
        denoising.adapters.append(switch)
        terms.append(DifferenceTerm(perturbed.scale, perturbed.holds, switch))
    skipped = SkipLayer.of(request)
    if skipped is not None:
        check_blocks(denoising, skipped)
        skipping = SkippedLayers(skipped.blocks)
        denoising.adapters.append(skipping)
        terms.append(DifferenceTerm(skipped.scale, skipped.holds, skipping))
    return terms


def check_blocks(denoising: Denoising, part: PerturbedAttention | SkipLayer) -> None:
    """Raise InvalidRequest if one of the blocks is not in the network."""
    for name in part.blocks.split(","):
        if not matching_blocks(denoising.network, name):
            raise InvalidRequest(
                f"{part.title}: the network has no attention in {name.strip()!r}. Blocks are named mid, "
                "down.2 (a block) or up.1.0 (a transformer of a block), separated by commas."
            )
