"""Text encoding, held by conditionings that A1111 made (goldens `cond.N`) and by transformers."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.golden_cases import FAMILIES, GOLDENS, NETWORKS
from tests.models.small_checkpoints import model_file
from webui.diffusion.conditioning import EncodedPart
from webui.diffusion.text_encoder import (
    EncodingOptions,
    PictureSize,
    TextEncoder,
    TextualInversion,
    VectorRule,
    size_embedding,
    weigh_states,
)
from webui.models.cpu.precision import EXACT
from webui.models.files.tensors import open_tensors
from webui.models.loader import load
from webui.prompts.conditioning import Timeline, plan

ASSETS = GOLDENS / "assets"
Encoders = Callable[[str], TextEncoder]


@pytest.fixture(scope="session")
def text_encoder(golden_models: Path) -> Encoders:
    @cache
    def of(family: str) -> TextEncoder:
        path = golden_models / f"{FAMILIES[family]}.safetensors"
        return load(model_file(path), EXACT, torch.device("cpu")).text_encoder

    return of


def cases_with_conditionings() -> list[tuple[str, dict[str, Any]]]:
    """Every golden that holds conditionings."""
    return [
        (family, case)
        for family in FAMILIES
        for case in json.loads((GOLDENS / family / "cases.json").read_text("utf-8"))
        if case.get("cond_sched")
    ]


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Those whose text encoder no LoRA changes."""
    return [
        (family, case)
        for family, case in cases_with_conditionings()
        if not NETWORKS.search(case["payload"]["prompt"].replace("ti-", ""))
    ]


def options_of(payload: dict[str, Any]) -> EncodingOptions:
    settings = payload.get("override_settings", {})
    return EncodingOptions(
        clip_skip=settings.get("CLIP_stop_at_last_layers", 1),
        size=PictureSize(payload["width"], payload["height"]),
    )


def arrays(parts: tuple[EncodedPart, ...]) -> list[np.ndarray]:
    """In the goldens' order: AND part, schedule entry, then crossattn and vector."""
    embeddings = [entry.embedding for part in parts for entry in part.schedule]
    return [
        tensor.numpy()
        for each in embeddings
        for tensor in (each.crossattn, each.vector)
        if tensor is not None
    ]


def inversions() -> dict[str, TextualInversion]:
    found = {}
    for path in (ASSETS / "embeddings").iterdir():
        vectors = next(iter(open_tensors(path).values()))
        found[path.stem] = TextualInversion((vectors.float().reshape(-1, vectors.shape[-1]),))
    return found


@pytest.mark.parametrize(
    ("family", "case"), cases(), ids=lambda each: each if isinstance(each, str) else each["id"]
)
def test_conditionings_are_those_of_a1111(text_encoder: Encoders, family: str, case: dict[str, Any]) -> None:
    payload = case["payload"]
    encoder = text_encoder(family)
    if family == "sd15":
        encoder = replace(encoder, inversions=inversions())
    timeline, options = Timeline(payload["steps"]), options_of(payload)
    golden = np.load(GOLDENS / family / case["extra"])
    for kind, prompt in (("cond", payload["prompt"]), ("uncond", payload["negative_prompt"])):
        planned = plan(prompt, timeline, is_negative=kind == "uncond")
        made = arrays(encoder.encode_plan(planned, options, is_negative=kind == "uncond"))
        expected = [golden[f"{kind}.{index}"] for index in range(len(made))]
        assert f"{kind}.{len(made)}" not in golden.files
        for ours, theirs in zip(made, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-5 * np.abs(theirs).max())


def test_only_the_goldens_of_two_loras_are_left_out() -> None:
    left_out = [
        (family, case["id"]) for family, case in cases_with_conditionings() if (family, case) not in cases()
    ]
    assert left_out == [("sd15", "lora-te-unet"), ("sdxl", "lora-te")]
    assert len(cases()) == 23


def test_schedule_variants_of_one_prompt_affect_each_other(text_encoder: Encoders) -> None:
    encoder, options = text_encoder("sd15"), EncodingOptions()
    together = encoder.encode(["a (cat:1.5)", "(a dog in a forest at night, in the rain:1.9)"], options)[
        0
    ].crossattn
    alone = encoder.encode(["a (cat:1.5)"], options)[0].crossattn
    assert not torch.allclose(together, alone, atol=1e-5)
    unweighted = replace(options, emphasis="No norm")
    both = encoder.encode(["a (cat:1.5)", "(a dog in a forest at night, in the rain:1.9)"], unweighted)[
        0
    ].crossattn
    torch.testing.assert_close(both, encoder.encode(["a (cat:1.5)"], unweighted)[0].crossattn)


def test_emphasis_modes_weigh_as_they_say() -> None:
    generator = torch.Generator().manual_seed(3)
    states, weights = (
        torch.randn(2, 5, 4, generator=generator) + 1,
        torch.rand(2, 5, generator=generator) + 0.5,
    )
    assert weigh_states(states, weights, "Ignore") is states
    assert weigh_states(states, weights, "None") is states
    torch.testing.assert_close(weigh_states(states, weights, "No norm"), states * weights[..., None])
    original = weigh_states(states, weights, "Original")
    torch.testing.assert_close(original.mean(), states.mean())
    torch.testing.assert_close(
        original / original[0, 0, 0], (scaled := states * weights[..., None]) / scaled[0, 0, 0]
    )


def test_a_tower_read_to_the_end_is_transformers_clip(text_encoder: Encoders) -> None:
    tower = text_encoder("sd15").towers[0]
    tokens = torch.tensor([[49406, 320, 2368, *[49407] * 74]])
    with torch.no_grad():
        expected = tower.text_model(input_ids=tokens, output_hidden_states=True)
        torch.testing.assert_close(tower(tokens, 0).states, expected.last_hidden_state)
        skipped = tower.text_model.final_layer_norm(expected.hidden_states[-3])
        torch.testing.assert_close(tower(tokens, 2).states, skipped)


def test_clip_skip_counts_from_the_last_layer_and_stops_at_the_first(text_encoder: Encoders) -> None:
    encoder = text_encoder("sd15")
    made = [
        encoder.encode(["a cat"], EncodingOptions(clip_skip=skip))[0].crossattn for skip in (1, 2, 12, 99)
    ]
    assert not torch.equal(made[0], made[1])
    assert torch.equal(made[2], made[3])


def test_clip_skip_reaches_sdxl_only_on_request(text_encoder: Encoders) -> None:
    encoder = text_encoder("sdxl")
    plain = encoder.encode(["a cat"], EncodingOptions())[0].crossattn
    skipped = encoder.encode(["a cat"], EncodingOptions(clip_skip=3))[0].crossattn
    on_request = encoder.encode(["a cat"], EncodingOptions(clip_skip=3, sdxl_clip_l_skip=True))[0].crossattn
    assert torch.equal(plain, skipped)
    width = encoder.towers[0].width
    assert not torch.equal(plain[:, :width], on_request[:, :width])
    assert torch.equal(plain[:, width:], on_request[:, width:])


def test_an_empty_negative_prompt_is_zeros_for_sdxl_but_for_the_sizes(text_encoder: Encoders) -> None:
    encoder, options = text_encoder("sdxl"), EncodingOptions(size=PictureSize(640, 512))
    empty = encoder.encode([""], options, is_negative=True)[0]
    assert empty.vector is not None
    assert encoder.vector is not None
    sizes = size_embedding(encoder.vector, options, is_negative=True)
    assert not empty.crossattn.any()
    torch.testing.assert_close(empty.vector[-len(sizes) :], sizes)
    assert not empty.vector[: -len(sizes)].any()
    assert encoder.encode([""], options)[0].crossattn.any()
    assert text_encoder("sd15").encode([""], options, is_negative=True)[0].crossattn.any()


def test_sizes_and_scores_are_told_in_sdxls_order() -> None:
    options = EncodingOptions(size=PictureSize(640, 512), crop_top=7, crop_left=9)
    base = size_embedding(VectorRule(2), options, is_negative=False).reshape(-1, 2)
    told = torch.tensor([512.0, 640.0, 7.0, 9.0, 512.0, 640.0])
    torch.testing.assert_close(base, torch.stack([told.cos(), told.sin()], dim=1))
    for is_negative, score in ((False, 6.0), (True, 2.5)):
        refiner = size_embedding(VectorRule(2, has_score=True), options, is_negative=is_negative).reshape(
            -1, 2
        )
        assert len(refiner) == 5
        assert refiner[-1].tolist() == pytest.approx([np.cos(score), np.sin(score)], abs=1e-6)


def test_the_pooled_text_is_that_of_the_first_chunk(text_encoder: Encoders) -> None:
    encoder, options = text_encoder("sdxl"), EncodingOptions()
    one, two = (encoder.encode([text], options)[0] for text in ("a cat", "a cat BREAK a dog"))
    assert one.vector is not None
    assert two.vector is not None
    assert torch.equal(one.vector, two.vector)
    assert len(two.crossattn) == 2 * len(one.crossattn)
