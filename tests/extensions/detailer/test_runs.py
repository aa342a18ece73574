"""The detailer in runs: what it does is what the same inpainting by hand does."""

from dataclasses import replace

import numpy as np
import pytest

from extensions.detailer import plugin
from extensions.detailer.detectors import find_detector, load_detector
from extensions.detailer.masks import make_masks
from extensions.detailer.part import Detailer, DetailerUnit
from tests.extensions.detailer.detector_file import bright_squares
from tests.pipelines.runs import pictures, request_of
from webui.core.events import ImageReady
from webui.core.infotext import parse_fields
from webui.core.settings import Paths
from webui.pipelines.generate.generate import generate
from webui.plugins import Inpainting, NotFound, specs
from webui.plugins.host import Plugins

UNIT = DetailerUnit(
    model="bright", confidence=0.0, mask_k=1, mask_filter_method="Confidence", prompt="[PROMPT], fine"
)


@pytest.fixture
def told() -> list:
    return []


@pytest.fixture
def detailing(context, tmp_path, told):
    (tmp_path / "adetailer").mkdir()
    (tmp_path / "adetailer" / "bright.onnx").write_bytes(bright_squares())
    plugins = Plugins(specs)
    plugins.register(plugin, "detailer")
    plugins.parts[Detailer.key] = Detailer
    paths = Paths(
        root=tmp_path, data=tmp_path, models=tmp_path, embeddings=tmp_path, styles=(), starter=tmp_path
    )
    return replace(context, plugins=plugins, paths=paths, run=generate, emit=told.append)


def inpaint_by_hand(image, unit, context, **changes):
    """The same, step by step, with a plain request."""
    detector = load_detector(find_detector(unit.model, context.paths.models))
    for number, mask in enumerate(make_masks(detector.find(image, float(unit.confidence)), image.size, unit)):
        fields = {
            "prompt": "a cat, fine",
            "init_images": (context.inputs.add_image(image),),
            "inpainting": Inpainting(mask=context.inputs.add_image(mask), only_masked=True, padding=32),
            "denoising_strength": 0.4,
            "seed": 7 + number,
        }
        (made,) = pictures(generate(request_of(**fields | changes), context))
        image = made.image
    return image


def test_it_is_the_same_inpainting_by_hand(detailing, context):
    (plain,) = pictures(generate(request_of(seed=7), context))
    units = (
        UNIT,
        UNIT.model_copy(update={"mask_k": 2, "use_steps": True, "steps": 4, "use_cfg_scale": True}),
    )
    part = Detailer(enabled=True, units=units)
    (made,) = pictures(generate(part.put_into(request_of(seed=7)), detailing))
    first = inpaint_by_hand(plain.image, units[0], detailing)
    expected = inpaint_by_hand(first, units[1], detailing, steps=4, cfg_scale=7.0)
    assert made.image.tobytes() == expected.tobytes() != plain.image.tobytes()
    fields = parse_fields(made.infotext)
    assert (fields["ADetailer model"], fields["ADetailer steps 2nd"]) == ("bright", "4")
    assert fields["ADetailer prompt"] == "[PROMPT], fine"
    assert Detailer.from_infotext(fields) == part


def test_each_picture_keeps_its_seed_and_only_the_area_changes(detailing, context):
    request = request_of(seed=7, batch_size=2, batch_count=2)
    plain = pictures(generate(request, context))
    part = Detailer(enabled=True, units=(UNIT,))
    made = pictures(generate(part.put_into(request), detailing))
    assert [each.seed for each in made] == [each.seed for each in plain] == [7, 8, 9, 10]
    for before, after in zip(plain, made, strict=True):
        changed = (np.asarray(before.image) != np.asarray(after.image)).any(axis=2).mean()
        assert 0 < changed < 0.5
    (alone,) = pictures(generate(part.put_into(request_of(seed=9)), detailing))
    # Sums of a batch are not added in the order of a single picture.
    difference = np.asarray(alone.image).astype(int) - np.asarray(made[2].image).astype(int)
    assert abs(difference).max() <= 4


def test_switched_off_or_finding_nothing_the_bytes_are_the_same(detailing, context):
    (plain,) = pictures(generate(request_of(seed=7), context))
    off = Detailer(enabled=False, units=(UNIT,))
    nothing = Detailer(enabled=True, units=(UNIT.model_copy(update={"mask_min_ratio": 0.99}),))
    skipped = Detailer(enabled=True, units=(UNIT.model_copy(update={"prompt": "[SKIP]"}),))
    for part in (off, nothing, skipped):
        (made,) = pictures(generate(part.put_into(request_of(seed=7)), detailing))
        assert made.image.tobytes() == plain.image.tobytes()
    (made,) = pictures(generate(off.put_into(request_of(seed=7)), detailing))
    assert made.infotext == plain.infotext


def test_img2img_can_be_skipped_and_masks_shown(detailing, context, told):
    (start,) = pictures(generate(request_of(seed=7), context))
    part = Detailer(enabled=True, skip_img2img=True, show_masks=True, units=(UNIT,))
    reference = detailing.inputs.add_image(start.image)
    request = part.put_into(request_of(seed=7, init_images=(reference,), denoising_strength=0.9))
    (made,) = pictures(generate(request, detailing))
    assert made.image.tobytes() == inpaint_by_hand(start.image, UNIT, detailing).tobytes()
    shown = [event for event in told if isinstance(event, ImageReady)]
    assert [(each.aside, each.is_saved) for each in shown] == [("-mask", False)]


def test_a_detector_that_is_not_there_refuses_the_job(detailing):
    part = Detailer(enabled=True, units=(UNIT.model_copy(update={"model": "face_yolov8n.pt"}),))
    with pytest.raises(NotFound, match="models/adetailer"):
        pictures(generate(part.put_into(request_of()), detailing))
