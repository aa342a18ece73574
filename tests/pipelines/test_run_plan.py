"""The run plan: each picture from its own texts and seeds, alike in a batch and alone."""

import numpy as np
import pytest
from PIL import Image

from tests.pipelines.extensions import with_extensions
from tests.pipelines.runs import digest, pictures, request_of
from webui.core.errors import InvalidRequest
from webui.core.events import ImageReady, Message, Planned, Progress, Withdrawn
from webui.core.request import make_request
from webui.core.request_infotext import parse_infotext
from webui.core.run_plan import PlannedPicture, RunPlan
from webui.pipelines.generate.generate import generate
from webui.plugins import hookimpl

PICTURES = [
    PlannedPicture(prompt="a cat", seed=11),
    PlannedPicture(prompt="a red dog, bright", negative_prompt="blur", seed=3),
    PlannedPicture(prompt="(a house:1.3)", seed=900, entries={"Template": "a {house|tree}"}),
]

# Of the golden networks.
LORAS = ("lora-file", "locon")


class Planning:
    """Makes a run of the pictures it is given."""

    def __init__(self, planned: list[PlannedPicture]) -> None:
        self.planned = planned

    @hookimpl
    def plan_run(self, plan):
        return plan.replace(self.planned)


def differences(first: ImageReady, second: ImageReady) -> int:
    pair = [np.asarray(each.image, np.int16) for each in (first, second)]
    return int(np.abs(pair[0] - pair[1]).max())


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_planned_pictures_equal_those_that_are_made_alone(batch_size, context):
    context = with_extensions(context, Planning(PICTURES))
    made = pictures(generate(request_of(batch_size=batch_size), context))
    assert [each.seed for each in made] == [11, 3, 900]
    assert [each.index for each in made] == [0, 1, 2]
    for planned, picture in zip(PICTURES, made, strict=True):
        fields = {"prompt": planned.prompt, "negative_prompt": planned.negative_prompt, "seed": planned.seed}
        plain = with_extensions(context)
        alone = pictures(generate(request_of(**fields), plain))[0]
        assert differences(alone, picture) <= 1
        assert picture.infotext.splitlines()[0] == planned.prompt
        assert ("Template: a {house|tree}" in picture.infotext) == bool(planned.entries)


def test_each_infotext_makes_its_own_picture(context):
    made = pictures(generate(request_of(batch_size=3), with_extensions(context, Planning(PICTURES))))
    for picture in made:
        again = parse_infotext(picture.infotext).model_copy(update={"model": "tiny-sd15"})
        repeated = pictures(generate(again, with_extensions(context)))[0]
        assert differences(repeated, picture) <= 1
        assert picture.request is not None
        exact = pictures(generate(picture.request, with_extensions(context)))[0]
        assert differences(exact, picture) <= 1


def test_the_plan_is_told_before_the_first_step(context):
    events = list(generate(request_of(batch_size=2), with_extensions(context, Planning(PICTURES))))
    kinds = [type(event) for event in events]
    assert kinds.index(Planned) < kinds.index(Progress)
    assert next(e for e in events if isinstance(e, Planned)).plan == RunPlan(pictures=tuple(PICTURES))
    # One batch of two, one of one.
    assert {e.batches for e in events if isinstance(e, Progress)} == {2}


def test_a_plan_that_changes_nothing_is_none(context):
    class Idle:
        @hookimpl
        def plan_run(self, plan):
            return plan.replace(plan.pictures)

    request = request_of(batch_size=2, seed=4)
    plain = pictures(generate(request, context))
    events = list(generate(request, with_extensions(context, Idle())))
    assert not [e for e in events if isinstance(e, Planned)]
    assert [p.infotext for p in pictures(iter(events))] == [p.infotext for p in plain]
    assert [p.image.tobytes() for p in pictures(iter(events))] == [p.image.tobytes() for p in plain]
    assert [p.request for p in pictures(iter(events))] == [request, request]


@pytest.mark.parametrize("part", ["hires", "img2img"])
def test_second_passes_and_init_pictures_are_planned_too(part, context):
    planned = [each.with_texts(hires_prompt="in detail " + each.prompt) for each in PICTURES]
    changes: dict = {"hires": {"scale": 1.5, "upscaler": "Latent"}}
    if part == "img2img":
        reference = context.inputs.add_image(Image.linear_gradient("L").convert("RGB").resize((64, 64)))
        changes = {"init_images": (reference,), "denoising_strength": 0.6}
    made = pictures(
        generate(request_of(batch_size=3, **changes), with_extensions(context, Planning(planned)))
    )
    for picture in made:
        assert ("Hires prompt" in picture.infotext) == (part == "hires")
        again = pictures(generate(picture.request, with_extensions(context)))[0]
        assert differences(again, picture) <= 1


def test_pictures_of_a_batch_may_name_different_networks(context):
    first, second = LORAS
    prompts = [f"a cat <lora:{first}:1>", f"a cat <lora:{second}:0.7>", "a cat"]
    planned = [PlannedPicture(prompt=prompt, seed=7) for prompt in prompts]
    before = digest(context.models)
    made = pictures(generate(request_of(batch_size=3), with_extensions(context, Planning(planned))))
    assert len({each.image.tobytes() for each in made}) == 3
    for prompt, picture in zip(prompts, made, strict=True):
        alone = pictures(generate(request_of(prompt=prompt, seed=7), context))[0]
        assert differences(alone, picture) <= 1
        assert alone.infotext == picture.infotext
    list(generate(request_of(), context))
    assert before in (digest(context.models), before)


def test_one_batch_may_be_given_other_texts(context):
    class Second:
        @hookimpl
        def plan_batch(self, pictures, batch):
            if batch.number == 1:
                return tuple(each.with_texts(prompt="a tree") for each in pictures)
            return None

    made = pictures(generate(request_of(batch_count=3, seed=5), with_extensions(context, Second())))
    assert [each.infotext.splitlines()[0] for each in made] == ["a cat", "a tree", "a cat"]
    alone = pictures(generate(request_of(prompt="a tree", seed=6), context))[0]
    assert differences(alone, made[1]) <= 1


def test_texts_may_be_changed_behind_the_infotext(context):
    class Translating:
        @hookimpl
        def change_texts(self, texts):
            return tuple((prompt.replace("chat", "cat"), negative) for prompt, negative in texts)

    made = pictures(generate(request_of(prompt="a chat"), with_extensions(context, Translating())))[0]
    plain = pictures(generate(request_of(), context))[0]
    assert made.image.tobytes() == plain.image.tobytes()
    assert made.infotext.startswith("a chat")


@pytest.mark.parametrize(
    ("hook", "returned"),
    [
        ("plan_run", "no plan"),
        ("plan_batch", ()),
        ("change_texts", ()),
        ("change_image", "no picture"),
        ("change_batch", None),
        ("prepare_denoising", None),
        ("change_latent", None),
    ],
)
def test_what_an_extension_does_wrong_costs_only_its_own_part(hook, returned, context):
    class Wrong:
        pass

    def function(self):
        if returned is None:
            raise RuntimeError("I am broken")
        return returned

    function.__name__ = hook
    setattr(Wrong, hook, hookimpl(function))
    context = with_extensions(context, Wrong())
    made = pictures(generate(request_of(), context))
    assert (
        made[0].image.tobytes()
        == pictures(generate(request_of(), with_extensions(context)))[0].image.tobytes()
    )
    told = context.emit.__self__
    assert any(isinstance(e, Message) and "extension 0" in e.text and hook in e.text for e in told)


def test_after_three_failures_an_extension_is_off(context):
    calls = []

    class Wrong:
        @hookimpl
        def change_latent(self, latent):
            calls.append(latent)
            raise RuntimeError("I am broken")

    context = with_extensions(context, Wrong())
    list(generate(request_of(batch_count=5), context))
    assert len(calls) == 3
    assert "I am broken" in context.plugins.switched_off["extension 0"]


def test_an_extension_may_refuse_a_run(context):
    class Refusing:
        @hookimpl
        def prepare_denoising(self):
            raise InvalidRequest("There is no such ControlNet. Choose another.")

    before = digest(context.models)
    with pytest.raises(InvalidRequest, match="no such ControlNet"):
        list(generate(request_of(), with_extensions(context, Refusing())))
    assert digest(context.models) == before


def test_a_batch_may_come_to_more_pictures(context):
    class Doubling:
        @hookimpl
        def change_batch(self, images):
            images.images = images.images.repeat(2, 1, 1, 1)
            images.pictures = images.pictures * 2
            return images

    made = pictures(generate(request_of(seed=2), with_extensions(context, Doubling())))
    assert len(made) == 2
    assert [each.index for each in made] == [0, 1]
    assert made[0].image.tobytes() == made[1].image.tobytes()


def test_two_batches_that_grow_do_not_share_an_index(context):
    class Doubling:
        @hookimpl
        def change_batch(self, images):
            images.images = images.images.repeat(2, 1, 1, 1)
            images.pictures = images.pictures * 2
            return images

    made = pictures(generate(request_of(batch_count=2, seed=2), with_extensions(context, Doubling())))
    assert [each.index for each in made] == [0, 1, 2, 3]
    assert [each.seed for each in made] == [2, 2, 3, 3]


def test_results_can_be_replaced(context):
    class Replacing:
        @hookimpl
        def finish_run(self, results):
            extra = results[1].model_copy(update={"infotext": "made of both"})
            return [results[0], extra]

    events = list(generate(request_of(batch_count=2), with_extensions(context, Replacing())))
    assert [e.index for e in events if isinstance(e, Withdrawn)] == [1]
    assert [(e.index, e.infotext) for e in pictures(iter(events))][-1] == (2, "made of both")


def test_a_run_within_a_run_gives_its_pictures_and_leaves_the_outer_one_as_it_was(context):
    class Detailing:
        @hookimpl
        def change_image(self, image, picture, context):
            if picture.place != "restored":
                return None
            inner = make_request(**request_of(prompt="a dog <lora:none:1>", seed=77).model_dump())
            made = context.generate(inner, "Detailing")
            picture.entries["Detail"] = "dog"
            return made[0].image

    outer = with_extensions(context, Detailing())
    inner_alone = pictures(generate(request_of(prompt="a dog", seed=77), with_extensions(context)))[0]
    # The inner run is changed too, so it calls itself until it is refused: only the outer one is to be.
    with pytest.raises(InvalidRequest, match="nested"):
        list(generate(request_of(), outer))

    class Once(Detailing):
        @hookimpl
        def change_image(self, image, picture, context):
            return super().change_image(image, picture, context) if context.state.depth == 0 else None

    outer = with_extensions(context, Once())
    made = pictures(generate(request_of(batch_count=2), outer))
    assert [each.image.tobytes() for each in made] == [inner_alone.image.tobytes()] * 2
    assert "Detail: dog" in made[0].infotext
    assert [each.seed for each in made] == [0, 1]


def test_no_run_may_begin_while_another_is_sampled(context):
    class Greedy:
        @hookimpl
        def prepare_denoising(self, denoising, context):
            denoising.before_network.append(lambda batch: context.generate(request_of()))

    with pytest.raises(InvalidRequest, match="while another is sampled"):
        list(generate(request_of(), with_extensions(context, Greedy())))
