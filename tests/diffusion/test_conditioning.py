import torch

from webui.diffusion.conditioning import (
    Conditioning,
    EmbeddingBatch,
    EncodedPart,
    PromptEmbedding,
    ScheduledEmbedding,
    fit_uncond,
    pad_equally,
    pad_with_last,
)


def embedding(value: float, tokens: int = 2, vector: float | None = None) -> PromptEmbedding:
    """Tokens counting up from a value; width 3."""
    crossattn = (value + torch.arange(tokens)).reshape(-1, 1).expand(-1, 3)
    return PromptEmbedding(crossattn, None if vector is None else torch.full((5,), vector))


def part(*entries: tuple[int, float], weight: float = 1.0) -> EncodedPart:
    """A part that is each value until its step."""
    return EncodedPart(weight, tuple(ScheduledEmbedding(step, embedding(value)) for step, value in entries))


def test_an_entry_holds_up_to_and_including_its_step() -> None:
    prompt = part((4, 10.0), (12, 20.0))
    values = [prompt.at(step).crossattn[0, 0].item() for step in (0, 4, 5, 12)]
    assert values == [10.0, 10.0, 20.0, 20.0]


def test_past_the_last_step_a_prompt_is_its_first_entry_again() -> None:
    assert part((4, 10.0), (12, 20.0)).at(13).crossattn[0, 0] == 10.0


def test_rows_are_the_parts_of_image_0_then_those_of_image_1() -> None:
    conditioning = Conditioning(((part((9, 1.0)), part((9, 2.0))), (part((9, 3.0)),)))
    assert conditioning.at(0).crossattn[:, 0, 0].tolist() == [1.0, 2.0, 3.0]
    assert [(image, index) for image, index, _ in conditioning.parts] == [(0, 0), (0, 1), (1, 0)]


def test_one_prompt_can_stand_for_every_image() -> None:
    conditioning = Conditioning.repeat([part((9, 1.0)), part((9, 2.0))], 2)
    assert conditioning.at(0).crossattn[:, 0, 0].tolist() == [1.0, 2.0, 1.0, 2.0]


def test_shorter_parts_are_padded_with_their_last_vector() -> None:
    entries = [ScheduledEmbedding(9, embedding(value, tokens)) for value, tokens in ((1.0, 4), (7.0, 2))]
    conditioning = Conditioning((tuple(EncodedPart(1.0, (entry,)) for entry in entries),))
    assert conditioning.at(0).crossattn[1, :, 0].tolist() == [7.0, 8.0, 8.0, 8.0]


def test_vectors_are_stacked_beside() -> None:
    entries = [ScheduledEmbedding(9, embedding(1.0, vector=value)) for value in (3.0, 4.0)]
    conditioning = Conditioning(tuple((EncodedPart(1.0, (entry,)),) for entry in entries))
    vector = conditioning.at(0).vector
    assert vector is not None
    assert vector[:, 0].tolist() == [3.0, 4.0]


def test_padding_fills_the_shorter_side_with_the_empty_prompt() -> None:
    long, short = EmbeddingBatch(torch.zeros(2, 6, 3)), EmbeddingBatch(torch.ones(1, 2, 3))
    empty = torch.tensor([[5.0] * 3, [6.0] * 3])
    cond, uncond = pad_equally(long, short, empty)
    assert cond is long
    assert uncond.crossattn[0, :, 0].tolist() == [1.0, 1.0, 5.0, 6.0, 5.0, 6.0]
    cond, uncond = pad_equally(short, long, empty)
    assert cond.crossattn[0, :, 0].tolist() == [1.0, 1.0, 5.0, 6.0, 5.0, 6.0]


def test_the_old_padding_stretches_or_cuts_the_negative_prompt() -> None:
    uncond = EmbeddingBatch(torch.arange(3.0).reshape(1, 3, 1))
    assert fit_uncond(uncond, 5).crossattn.flatten().tolist() == [0.0, 1.0, 2.0, 2.0, 2.0]
    assert fit_uncond(uncond, 2).crossattn.flatten().tolist() == [0.0, 1.0]


def test_nothing_is_padded_that_is_long_enough() -> None:
    tokens = torch.randn(4, 3)
    assert pad_with_last(tokens, 4) is tokens


def test_joined_rows_keep_their_vectors() -> None:
    first, second = (EmbeddingBatch(torch.zeros(1, 2, 3), torch.full((1, 5), value)) for value in (1.0, 2.0))
    joined = first.joined(second)
    assert joined.vector is not None
    assert joined.vector[:, 0].tolist() == [1.0, 2.0]
    assert len(joined.rows(1, 2)) == 1
