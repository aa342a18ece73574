"""Prompts without the new word are answered as before."""

from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.methods.trainables import answer, load_networks, make_batch, make_run, take_steps
from webui.core.errors import InvalidRequest
from webui.training.methods.registry import make_trainable
from webui.training.methods.whole import TrainableCheckpoint
from webui.training.preserving import find_new_words, make_preserving, put_everyday_thing, words_of


@pytest.mark.parametrize(
    "captions, trigger, words",
    [
        (["a zorblat on the left, sea", "a zorblat at night"], "", ("zorblat",)),
        (["Zwx fox, snow", "zwx fox in a forest"], "", ("zwx", "fox")),
        (["a red house", "a cat"], "", ()),
        (["a photo of it", "a photo of the"], "", ()),
        (["", "ohwx, hat", "hat, ohwx"], "", ("ohwx", "hat")),
        (["whatever"], "my robot", ("my", "robot")),
        ([], "", ()),
    ],
)
def test_the_new_words_are_those_that_all_captions_share(captions, trigger, words):
    assert find_new_words(captions, trigger) == words


@given(st.text("ab ,.-'zé", max_size=40), st.integers(0, 2**32))
def test_no_caption_keeps_a_new_word(caption, seed):
    changed = put_everyday_thing(f"{caption}, Zap fox in snow", ["zap", "fox"], Random(seed))
    assert not {"zap", "fox"} & set(words_of(changed)) - set(words_of(caption))
    assert changed == put_everyday_thing(f"{caption}, Zap fox in snow", ["zap", "fox"], Random(seed))
    assert changed.endswith("in snow")


def test_a_thing_stands_where_the_word_stood():
    found = {put_everyday_thing("a zap on the left, sea", ["zap"], Random(seed)) for seed in range(40)}
    assert len(found) > 20
    assert "a on the left, sea" in found
    assert all(each.startswith("a ") and each.endswith("on the left, sea") for each in found)


def test_where_the_word_is_a_tag_it_may_be_a_look():
    found = {put_everyday_thing("a cat by the sea, zap", ["zap"], Random(seed)) for seed in range(200)}
    assert {"a cat by the sea", "a cat by the sea, pixel art"} < found
    assert any(each.endswith((" bridge", " hat", " lamp", " tree")) for each in found)
    assert not any("pixel art" in put_everyday_thing("a zap", ["a", "b"], Random(seed)) for seed in range(60))


def test_others_of_the_class_of_a_new_word_are_among_what_stays():
    words = ["velmo", "house"]
    found = [put_everyday_thing("a velmo house, sea", words, Random(seed)) for seed in range(200)]
    assert 50 < sum(each.partition(", sea")[0].endswith(" house") for each in found) < 120
    assert not any("velmo" in each for each in found)


def test_half_the_captions_have_more_things_before_what_they_say():
    found = [put_everyday_thing("a cat by the sea, zap", ["zap"], Random(seed)) for seed in range(200)]
    counts = [each.partition(" by the sea")[0].count(" and a ") for each in found]
    assert 70 < counts.count(0) < 130
    assert min(counts.count(1), counts.count(2)) > 30
    assert all(each.startswith("a ") and "a cat by the sea" in each for each in found)
    # Where nothing is left, nothing is added: pictures without a caption are shown without one.
    assert "" in {put_everyday_thing("zap", ["zap"], Random(seed)) for seed in range(40)}


# A hypernetwork begins with small random numbers, as A1111's.
@pytest.mark.parametrize(("method", "at_first"), [("lora", 1e-9), ("dora", 1e-9), ("hypernetwork", 1e-4)])
def test_what_the_change_moves_is_measured_and_nothing_else(golden_models, method, at_first):
    networks = load_networks(golden_models, "tiny-sd15")
    run = make_run(method, preserve=1.0)
    trainable = make_trainable(run, networks)
    preserving = make_preserving(run, networks, trainable, ["a zorblat", "zorblat at night"])
    assert preserving is not None
    batch = make_batch("a zorblat on snow")
    noisy, timestep = batch.latents, torch.tensor([500])
    with torch.no_grad():
        before = answer(networks, trainable, batch)
    with trainable.attach():
        errors, _ = preserving.measure(0, noisy, timestep, batch)
        assert float(errors.detach().max()) < at_first, "a new change changes nothing but in the last digits"
    take_steps(networks, trainable)
    with trainable.attach():
        with torch.no_grad():
            trained = answer(networks, trainable, batch)
            assert not torch.equal(trained[0], before[0])
        with torch.no_grad(), trainable.suspend():
            suspended = answer(networks, trainable, batch)
        assert all(torch.equal(first, second) for first, second in zip(suspended, before, strict=True))
        with torch.no_grad():
            again = answer(networks, trainable, batch)
        assert all(torch.equal(first, second) for first, second in zip(again, trained, strict=True))
        errors, levels = preserving.measure(0, noisy, timestep, batch)
        assert float(errors.detach().min()) > 1e-9
        assert torch.equal(levels, timestep)
        errors.mean().backward()
    moved = [each for group in trainable.groups for each in group.parameters]
    assert any(float(each.grad.abs().max()) > 0 for each in moved if each.grad is not None)


def test_what_a_whole_network_moved_is_measured(golden_models):
    networks = load_networks(golden_models, "tiny-sd15")
    run = make_run("dreambooth", preserve=1.0)
    trainable = TrainableCheckpoint(run, networks)
    preserving = make_preserving(run, networks, trainable, ["a zorblat", "zorblat at night"])
    assert preserving is not None
    batch = make_batch("a zorblat on snow")
    at_first, _ = preserving.measure(0, batch.latents, torch.tensor([500]), batch)
    assert float(at_first.detach().max()) < 1e-9
    take_steps(networks, trainable)
    later, _ = preserving.measure(0, batch.latents, torch.tensor([500]), batch)
    later.mean().backward()
    assert float(later.detach().min()) > 1e-6
    grads = [each.grad for each in trainable.parameters().values() if each.grad is not None]
    assert max(float(each.abs().max()) for each in grads) > 0


def test_a_whole_network_is_asked_as_it_was_between_a_forward_pass_and_its_backward(golden_models):
    networks, alone = load_networks(golden_models, "tiny-sd15"), load_networks(golden_models, "tiny-sd15")
    trainable = TrainableCheckpoint(make_run("finetune", preserve=1.0), networks)
    other = TrainableCheckpoint(make_run("finetune"), alone)
    batch = make_batch("a zorblat on snow")
    with torch.no_grad(), trainable.suspend():
        before = answer(networks, trainable, batch)
        with torch.autocast("cpu", torch.bfloat16):
            before_half = answer(networks, trainable, batch)
    for each, whose in ((networks, trainable), (alone, other)):
        take_steps(each, whose)
    output, _ = answer(networks, trainable, batch)
    with torch.no_grad(), trainable.suspend():
        assert all(map(torch.equal, answer(networks, trainable, batch), before))
    output.square().mean().backward()
    answer(alone, other, batch)[0].square().mean().backward()
    expected = {name: each.grad for name, each in other.parameters().items() if each.grad is not None}
    assert expected
    for name, parameter in trainable.parameters().items():
        found = parameter.grad
        assert name not in expected or (found is not None and torch.equal(found, expected[name])), name
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        trained = answer(networks, trainable, batch)
        with trainable.suspend():
            assert all(map(torch.equal, answer(networks, trainable, batch), before_half))
        assert all(map(torch.equal, answer(networks, trainable, batch), trained))
    with pytest.raises(InvalidRequest, match="Set preserve above 0"), other.suspend():
        pass


def test_preserving_is_left_out_where_there_is_nothing_to_go_by(golden_models):
    networks = load_networks(golden_models, "tiny-sd15")
    captions = ["a zorblat", "a zorblat at night"]
    lora = make_run("lora", preserve=1.0)
    assert make_preserving(lora, networks, make_trainable(lora, networks), ["a house", "a cat"]) is None
    off = make_run("lora", preserve=0.0)
    assert make_preserving(off, networks, make_trainable(off, networks), captions) is None
    word = make_run("textual_inversion", preserve=1.0, vectors=1, init_text="star")
    assert make_preserving(word, networks, make_trainable(word, networks), captions) is None


def test_one_caption_in_five_may_lack_the_new_word():
    captions = [
        "a zorblat by the sea",
        "a zorblatt in a forest",
        "a zorblat at night",
        "zorblat",
        "my zorblat",
    ]
    assert find_new_words(captions) == ("zorblat",)
    assert find_new_words(captions[:3]) == ()
