from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.prompt_goldens import prompts
from webui.core.errors import InvalidRequest
from webui.prompts.chunks import (
    TOKENS_PER_CHUNK,
    Chunking,
    EmbeddingFix,
    EmbeddingNames,
    chunk_text,
    empty_chunk,
    token_limit,
)
from webui.prompts.tokenizer import clip_tokenizer


def chunking(**changes):
    return Chunking(clip_tokenizer(), **changes)


def with_embeddings(**vectors):
    return chunking(
        embeddings=EmbeddingNames(clip_tokenizer(), {k.replace("_", "-"): v for k, v in vectors.items()})
    )


@pytest.mark.parametrize("style", ["transformers", "open_clip"])
@pytest.mark.parametrize(("prompt", "expected"), prompts("chunks"))
def test_chunks_are_those_of_a1111(prompt, expected, style):
    chunked = chunk_text(prompt, Chunking(clip_tokenizer(style)))
    chunks = [
        {"tokens": [*chunk.tokens], "multipliers": [*chunk.multipliers], "fixes": [*chunk.fixes]}
        for chunk in chunked.chunks
    ]
    assert {"token_count": chunked.token_count, "chunks": chunks} == expected


def test_a_long_list_breaks_after_a_near_comma():
    prompt = "x " * 60 + ", " + "y " * 20
    first, second = chunk_text(prompt, chunking()).chunks
    assert first.tokens[61] == clip_tokenizer().comma_id
    assert first.tokens[62] == clip_tokenizer().end_id
    assert second.tokens[1:21] == tuple(clip_tokenizer().encode("y" * 1) * 20)


def test_a_comma_too_far_back_does_not_break():
    prompt = "x " * 60 + ", " + "y " * 20
    first, _ = chunk_text(prompt, chunking(comma_backtrack=5)).chunks
    assert clip_tokenizer().end_id not in first.tokens[:76]


def test_emphasis_none_takes_brackets_and_break_for_text():
    chunked = chunk_text("(a:1.3) BREAK b", chunking(emphasis="None"))
    assert len(chunked.chunks) == 1
    assert set(chunked.chunks[0].multipliers) == {1.0}
    assert chunked.chunks[0].tokens[1:] != chunk_text("a b", chunking()).chunks[0].tokens[1:]


def test_emphasis_ignore_still_reads_brackets_and_break():
    assert chunk_text("(a:1.3) BREAK b", chunking(emphasis="Ignore")) == chunk_text(
        "(a:1.3) BREAK b", chunking()
    )


def test_the_name_of_an_embedding_makes_room_for_its_vectors():
    chunk = chunk_text("a (my style:1.2) b", with_embeddings(**{"my style": 3})).chunks[0]
    assert chunk.fixes == (EmbeddingFix(1, "my style", 3),)
    assert chunk.tokens[1:6] == (320, 0, 0, 0, clip_tokenizer().encode("b")[0])
    assert chunk.multipliers[1:6] == (1.0, 1.2, 1.2, 1.2, 1.0)


def test_the_longest_name_counts():
    chunk = chunk_text("bad hand v5, bad hand", with_embeddings(**{"bad hand": 1, "bad hand v5": 2})).chunks[
        0
    ]
    assert [fix.name for fix in chunk.fixes] == ["bad hand v5", "bad hand"]


def test_an_embedding_that_does_not_fit_starts_a_chunk():
    first, second = chunk_text("x " * 70 + "mine", with_embeddings(mine=8)).chunks
    assert first.fixes == ()
    assert second.fixes == (EmbeddingFix(0, "mine", 8),)


def test_an_embedding_that_never_fits_is_refused_by_name():
    with pytest.raises(InvalidRequest, match="'mine' has 76 vectors"):
        chunk_text("mine", with_embeddings(mine=76))


def test_padding_stands_after_the_first_end_mark():
    tokenizer = clip_tokenizer("open_clip")
    chunk = chunk_text("a", Chunking(tokenizer)).chunks[0]
    assert chunk.padded(tokenizer.end_id, tokenizer.pad_id) == (49406, 320, 49407, *[0] * 74)


def test_an_empty_text_is_an_empty_chunk():
    assert chunk_text("", chunking()).chunks == (empty_chunk(clip_tokenizer()),)


@pytest.mark.parametrize(("count", "limit"), [(0, 75), (75, 75), (76, 150), (150, 150), (151, 225)])
def test_the_limit_grows_by_chunks(count, limit):
    assert token_limit(count) == limit


@given(
    st.lists(st.sampled_from(["cat", ",", "(a:1.2)", "BREAK", "[b]", "mine", " "] * 2 + ["x " * 30])).map(
        " ".join
    )
)
def test_every_chunk_is_whole_and_no_token_is_lost(text):
    chunked = chunk_text(text, with_embeddings(mine=5))
    for chunk in chunked.chunks:
        assert len(chunk.tokens) == len(chunk.multipliers) == TOKENS_PER_CHUNK + 2
        assert chunk.tokens[0] == clip_tokenizer().start_id
    without_commas_moved = chunk_text(text, replace(with_embeddings(mine=5), comma_backtrack=0))
    words = [token for chunk in chunked.chunks for token in chunk.tokens if token < clip_tokenizer().start_id]
    assert words == [
        t for c in without_commas_moved.chunks for t in c.tokens if t < clip_tokenizer().start_id
    ]
