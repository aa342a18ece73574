"""Prompts by A1111's functions: as this program reads them, and by functions that extensions put in."""

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compat.a1111.denoising.runs import pictures
from webui.compat.a1111.denoising.conds import to_conditioning, to_multicond, to_schedules
from webui.diffusion.conditioning import Conditioning, EncodedPart, PromptEmbedding, ScheduledEmbedding
from webui.prompts.schedule import prompt_schedule


def parts(with_vector: bool) -> st.SearchStrategy[EncodedPart]:
    """AND parts with schedules."""

    def embedding(value: float, tokens: int) -> PromptEmbedding:
        return PromptEmbedding(
            torch.full((tokens, 2), value), torch.full((3,), value) if with_vector else None
        )

    entries = st.lists(
        st.builds(
            ScheduledEmbedding,
            st.integers(0, 30),
            st.builds(embedding, st.floats(-1, 1, width=16), st.integers(1, 4)),
        ),
        min_size=1,
        max_size=3,
    )
    return st.builds(EncodedPart, st.sampled_from([1.0, 0.5, -1.0]), entries.map(tuple))


def conditionings(most_parts: int) -> st.SearchStrategy[Conditioning]:
    """Batches with and without vectors."""
    return st.booleans().flatmap(
        lambda with_vector: st.lists(
            st.lists(parts(with_vector), min_size=1, max_size=most_parts).map(tuple), min_size=1, max_size=3
        ).map(lambda images: Conditioning(tuple(images)))
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(conditioning=conditionings(3), step=st.integers(0, 40))
def test_conds_in_a1111s_shape_give_what_this_program_gives(
    modules: Any, conditioning: Conditioning, step: int
) -> None:
    places, text = modules.prompt_parser.reconstruct_multicond_batch(to_multicond(conditioning), step)
    own = conditioning.at(step)
    states = text["crossattn"] if isinstance(text, dict) else text
    assert torch.equal(states, own.crossattn)
    assert text.shape == own.crossattn.shape
    assert own.vector is None or torch.equal(text["vector"], own.vector)
    assert [weight for image in places for _, weight in image] == [
        part.weight for _, _, part in conditioning.parts
    ]
    back = to_conditioning(to_multicond(conditioning)).at(step)
    assert torch.equal(back.crossattn, own.crossattn)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(conditioning=conditionings(1), step=st.integers(0, 40))
def test_negative_conds_too(modules: Any, conditioning: Conditioning, step: int) -> None:
    text = modules.prompt_parser.reconstruct_cond_batch(to_schedules(conditioning), step)
    states = text["crossattn"] if isinstance(text, dict) else text
    assert torch.equal(states, conditioning.at(step).crossattn)
    assert torch.equal(to_conditioning(to_schedules(conditioning)).at(step).crossattn, states)


def test_schedules_attention_and_parts_are_as_documented(modules: Any) -> None:
    parser = modules.prompt_parser
    assert parser.get_learned_conditioning_prompt_schedules(["a [cat:dog:3] b"], 10) == [
        [[3, "a cat b"], [10, "a dog b"]]
    ]
    hires = prompt_schedule("a [cat:dog:1.5]", 10, 8)
    found = parser.get_learned_conditioning_prompt_schedules(["a [cat:dog:1.5]"], 10, 8)
    assert found == [[[entry.end_at_step, entry.text] for entry in hires]]
    assert parser.parse_prompt_attention("a (b:1.5) BREAK c") == [
        ["a ", 1.0],
        ["b", 1.5],
        ["", 1.0],
        ["BREAK", -1],
        ["c", 1.0],
    ]
    indexes, flat, by_text = parser.get_multicond_prompt_list(["a AND b :0.5", " b"])
    assert (indexes, list(flat), by_text) == (
        [[(0, 1.0), (1, 0.5)], [(1, 1.0)]],
        ["a", " b"],
        {"a": 0, " b": 1},
    )


def test_what_is_encoded_with_a_model_is_scheduled_and_shared(modules: Any) -> None:
    asked: list[list[str]] = []

    class Model:
        def get_learned_conditioning(self, texts: Any) -> torch.Tensor:
            asked.append(list(texts))
            assert (texts.width, texts.is_negative_prompt) == (64, False)
            return torch.stack([torch.full((2, 2), float(len(text))) for text in texts])

    parser = modules.prompt_parser
    prompts = parser.SdConditioning(["a [b:ccc:2]", "x AND x AND x"], width=64, height=64)
    conds = parser.get_multicond_learned_conditioning(Model(), prompts, 4)
    assert asked == [["a b", "a ccc"], ["x"], [" x"]]
    places, text = parser.reconstruct_multicond_batch(conds, 3)
    assert [len(image) for image in places] == [1, 3]
    assert text[:, 0, 0].tolist() == [5.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize("model", ["tiny-sd15", "tiny-sdxl"])
def test_functions_of_extensions_encode_the_prompts_of_pictures(
    modules: Any, context: Any, model: str
) -> None:
    parser = modules.prompt_parser
    own = parser.get_learned_conditioning_prompt_schedules
    expected, _ = pictures(context, model=model, prompt="a dog", negative_prompt="red")
    same, _ = pictures(context, model=model, prompt="a cat", negative_prompt="red")
    parser.get_learned_conditioning_prompt_schedules = lambda prompts, *rest: own(
        [prompt.replace("cat", "dog") for prompt in prompts], *rest
    )
    changed, _ = pictures(context, model=model, prompt="a cat", negative_prompt="red")
    assert torch.equal(changed, expected)
    assert not torch.equal(same, expected)
