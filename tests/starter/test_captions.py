"""The words of the Starter checkpoint's training."""

import numpy as np

from models.starter import captions
from models.starter.bank import CHECK_SEED, scene_of
from models.starter.scene import COLOURS, KINDS, is_held_out, sample_split
from webui.prompts.tokenizer import END_ID, START_ID


def test_a_caption_never_names_what_is_not_there() -> None:
    for seed in range(300):
        scene, rng = scene_of(seed), np.random.default_rng(seed)
        words = set(captions.caption(scene, rng).replace(",", " ").split())
        assert words & set(COLOURS) <= {thing.colour for thing in scene.things}
        assert words & set(KINDS) == {thing.kind for thing in scene.things}


def test_a_full_caption_names_every_attribute() -> None:
    scene = sample_split(np.random.default_rng(1), held_out=True)
    text = captions.full_caption(scene)
    for thing in scene.things:
        assert f"{thing.size} {thing.colour} {thing.kind} {captions.SIDE_WORDS[thing.side][0]}" in text
    assert captions.PLACE_WORDS[scene.place][0] in text
    assert captions.LOOK_WORDS[scene.look][0] in text


def test_sentences_and_tags_both_occur_and_none_is_empty() -> None:
    texts = [captions.caption(scene_of(seed), np.random.default_rng(seed)) for seed in range(200)]
    assert all(texts)
    assert any(" and a " in text for text in texts)
    assert any(text.count(",") >= 4 for text in texts)


def test_captions_repeat_with_their_seed() -> None:
    scene = scene_of(7)
    assert captions.caption(scene, np.random.default_rng(1)) == captions.caption(
        scene, np.random.default_rng(1)
    )


def test_tokens_are_framed_and_padded_as_sd1_does() -> None:
    tokens = captions.token_ids("a red cat").tolist()
    assert len(tokens) == 77
    assert tokens[:6] == [START_ID, 320, 736, 2368, END_ID, END_ID]
    assert captions.token_ids("").tolist() == [START_ID, *[END_ID] * 76]


def test_training_scenes_hold_no_held_out_combination() -> None:
    assert not any(is_held_out(scene_of(seed)) for seed in range(200))
    assert is_held_out(sample_split(np.random.default_rng(CHECK_SEED), held_out=True))
