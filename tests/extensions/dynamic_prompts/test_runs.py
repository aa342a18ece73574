"""Templates in runs: texts by seed, infotexts that make their pictures again, combinations."""

from dataclasses import replace

import numpy as np
import pytest

from extensions.dynamic_prompts import plugin
from extensions.dynamic_prompts.part import DynamicPrompts
from tests.pipelines.runs import pictures, request_of
from webui.core.infotext import parse_fields
from webui.core.request_infotext import parse_infotext
from webui.core.settings import Paths
from webui.pipelines.generate.generate import generate
from webui.plugins import InvalidRequest, specs
from webui.plugins.host import Plugins

TEMPLATE = "a {red|green|blue|black|white} __animal__"


@pytest.fixture
def run(context, tmp_path):
    """Runs a request with the extension on; tells what was told."""
    (tmp_path / "wildcards").mkdir()
    (tmp_path / "wildcards" / "animal.txt").write_text("cat\ndog\nfox\nowl\nbear")
    plugins = Plugins(specs)
    plugins.register(plugin, "dynamic_prompts")
    plugins.parts[DynamicPrompts.key] = DynamicPrompts
    paths = Paths(
        root=tmp_path, data=tmp_path, models=tmp_path, embeddings=tmp_path, styles=(), starter=tmp_path
    )
    told: list[str] = []
    here = replace(
        context, plugins=plugins, paths=paths, emit=lambda event: told.append(event.text), run=generate
    )

    def make(request, plain=False):
        return pictures(generate(request, context if plain else here)), told

    return make


def are_alike(one, other) -> bool:
    """Whether pixels differ by rounding at most: sums of a batch are not added in the order of a single."""
    pixels = (np.asarray(each.image).astype(int) for each in (one, other))
    return abs(next(pixels) - next(pixels)).max() <= 2


def prompts(made) -> list[str]:
    return [each.infotext.split("\n")[0] for each in made]


def test_plain_prompts_give_the_same_bytes(run):
    request = request_of(prompt="a {cat}, (good:1.2)", batch_size=2)
    with_it, without = run(request)[0], run(request, plain=True)[0]
    assert [each.image.tobytes() for each in with_it] == [each.image.tobytes() for each in without]
    assert [each.infotext for each in with_it] == [each.infotext for each in without]


def test_each_picture_is_drawn_by_its_seed_and_made_again_from_its_infotext(run):
    request = request_of(prompt=TEMPLATE, negative_prompt="{fog|rain}", batch_size=2, batch_count=2, seed=5)
    made, told = run(request)
    assert len(set(prompts(made))) > 1
    assert told == []
    assert prompts(run(request)[0]) == prompts(made)
    (alone,) = run(request_of(prompt=TEMPLATE, negative_prompt="{fog|rain}", seed=7))[0]
    assert alone.infotext == made[2].infotext
    assert are_alike(alone, made[2])
    (again,) = run(parse_infotext(made[3].infotext), plain=True)[0]
    assert again.infotext == made[3].infotext
    assert are_alike(again, made[3])
    assert "{" not in made[0].infotext


def test_hires_prompts_are_filled_in(run):
    hires = {"scale": 1.5, "steps": 2, "prompt": "b {red|green|blue|black} __animal__", "upscaler": "Latent"}
    (made,) = run(request_of(prompt=TEMPLATE, hires=hires, denoising_strength=0.7))[0]
    fields = parse_fields(made.infotext)
    assert fields["Hires prompt"].startswith("b ")
    assert not set("{_") & set(fields["Hires prompt"])


def test_templates_are_in_the_infotext_where_asked_for(run):
    part = DynamicPrompts(write_template=True)
    request = part.put_into(request_of(prompt=f"{TEMPLATE}, x: y", negative_prompt="{fog|rain}\nmist"))
    (made,) = run(request)[0]
    fields = parse_fields(made.infotext)
    assert fields["Template"] == f"{TEMPLATE}, x: y"
    assert fields["Negative Template"] == "{fog|rain}\nmist"
    assert fields["Version"] == "Atelier test"
    assert parse_infotext(made.infotext).prompt == prompts([made])[0]


def test_all_combinations_are_pictures(run):
    part = DynamicPrompts(way="Combinatorial")
    request = part.put_into(request_of(prompt="{a|b|c}", negative_prompt="{x|y}", batch_size=4, seed=3))
    made, _ = run(request)
    assert prompts(made) == ["a", "a", "b", "b", "c", "c"]
    assert [parse_infotext(each.infotext).negative_prompt for each in made] == ["x", "y"] * 3
    assert [each.seed for each in made] == [3, 4, 5, 6, 7, 8]
    (again,) = run(parse_infotext(made[4].infotext), plain=True)[0]
    assert are_alike(again, made[4])


def test_combinations_end_where_asked_and_keep_a_seed(run):
    part = DynamicPrompts(
        way="Combinatorial",
        max_pictures=2,
        combinatorial_batches=2,
        fixed_seed=True,
        leave_negative_prompt=True,
    )
    made, _ = run(part.put_into(request_of(prompt="{a|b|c}", negative_prompt="{x|y}", seed=3)))
    assert prompts(made) == ["a", "b", "a", "b"]
    assert {each.seed for each in made} == {3}
    assert {parse_infotext(each.infotext).negative_prompt for each in made} == {"{x|y}"}


def test_too_many_combinations_are_refused(run):
    text = " ".join(["{a|b|c|d|e|f|g|h}"] * 6)
    with pytest.raises(InvalidRequest, match="Max generations"):
        run(DynamicPrompts(way="Combinatorial").put_into(request_of(prompt=text)))


def test_a_missing_wildcard_is_told_and_stays(run):
    made, told = run(request_of(prompt="a __anmal__ {x|y}", batch_size=2))
    assert prompts(made)[0].startswith("a __anmal__ ")
    assert len(told) == 1
    assert "Did you mean __animal__?" in told[0]


def test_switched_off_nothing_is_filled_in(run):
    (made,) = run(DynamicPrompts(enabled=False).put_into(request_of(prompt="{a|b}")))[0]
    assert prompts([made]) == ["{a|b}"]


def test_unlinked_draws_differ_from_run_to_run(run):
    request = DynamicPrompts(unlink_seed=True).put_into(request_of(prompt=TEMPLATE * 4, steps=1))
    assert len({prompts(run(request)[0])[0] for _ in range(3)}) > 1


def test_arguments_of_the_community_extension_are_read():
    args = [True, True, 2, False, False, False, -1, -1, 0, 0, True, False, True, False, False, 7]
    part = DynamicPrompts.from_args(args)
    assert (part.way, part.combinatorial_batches, part.max_pictures) == ("Combinatorial", 2, 7)
    assert (part.fixed_seed, part.leave_negative_prompt) == (True, True)
    with pytest.raises(InvalidRequest, match="magic prompt"):
        DynamicPrompts.from_args([True, False, 1, True])
