"""The recipe of Extras: stages, cuts, folders, wrong pictures, stopping."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.library.picture_files import catalog_of, weights, write
from webui.core.errors import InvalidRequest, NotFound, UnusableFile
from webui.core.events import ImageReady, Message, Phase, Progress
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.core.work.extras_request import (
    ExtrasRequest,
    FocalCrop,
    SizedCrop,
    SplitOversized,
    Upscaling,
    make_extras_request,
)
from webui.models.images.upscalers import Upscalers
from webui.pipelines.extras.extras import in_8_bits, process_extras
from webui.pipelines.extras.extras_cuts import (
    busiest_points,
    corner_points,
    find_crop_size,
    focal_crop,
    split_oversized,
)
from webui.plugins.context import Context
from webui.store.pictures.inputs import Inputs


@pytest.fixture(scope="module")
def upscalers(tmp_path_factory) -> Upscalers:
    models = tmp_path_factory.mktemp("models")
    write(models / "ESRGAN", "2x-tiny.pth", weights("Compact"))
    return Upscalers(catalog_of(models), torch.device("cpu"))


@pytest.fixture
def context(upscalers, exact_services, tmp_path) -> Context:
    """Without checkpoints: Extras needs none."""
    models, latents = object(), exact_services.latents
    inputs = Inputs(tmp_path / "inputs")
    return Context(models, upscalers, inputs, latents, Settings(), Stop(), "Atelier test")


@pytest.fixture
def folder(tmp_path):
    """Three pictures, one of which is none, and a file of another kind."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate(("a.png", "c.jpg")):
        Image.new("RGB", (16 + 8 * number, 16), "red").save(folder / name)
    (folder / "b.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    return folder


def of(context: Context, image: Image.Image, **fields) -> ExtrasRequest:
    return make_extras_request(images=[{"image": context.inputs.add_image(image)}], **fields)


def results(request: ExtrasRequest, context: Context) -> list[ImageReady]:
    return [event for event in process_extras(request, context) if isinstance(event, ImageReady)]


def by(name: str, **fields) -> Upscaling:
    return Upscaling(upscaler_1=name, **fields)


def test_a_folder_is_worked_through_and_its_wrong_file_is_told(context, folder):
    request = make_extras_request(input_folder=str(folder), upscaling=by("2x-tiny", scale=2), keep_names=True)
    events = list(process_extras(request, context))
    ready = [event for event in events if isinstance(event, ImageReady)]
    assert [event.image.size for event in ready] == [(32, 32), (48, 32)]
    assert [event.save_as.name for event in ready if event.save_as] == ["a", "c"]
    assert [event.index for event in ready] == [0, 1]
    (told,) = [event for event in events if isinstance(event, Message)]
    assert told.text.startswith("b.png: ")
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_a_folder_without_a_usable_picture_is_refused(context, tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(UnusableFile, match="None of the 2 pictures"):
        results(make_extras_request(input_folder=str(tmp_path)), context)


def test_an_empty_folder_and_one_that_is_not_there_are_told_apart(context, tmp_path):
    with pytest.raises(NotFound, match="holds no pictures"):
        results(make_extras_request(input_folder=str(tmp_path)), context)
    with pytest.raises(NotFound, match="There is no folder"):
        results(make_extras_request(input_folder=str(tmp_path / "gone")), context)


def test_without_pictures_there_is_no_request():
    with pytest.raises(InvalidRequest, match="There is no picture"):
        make_extras_request()


def test_the_longest_side_is_limited(context):
    request = of(context, Image.new("RGB", (100, 50)), upscaling=by("Lanczos", scale=4, max_side=160))
    (ready,) = results(request, context)
    assert ready.image.size == (160, 80)
    assert ready.infotext == (
        "Postprocess upscale by: 4, Max side length: 160, Postprocess upscaler: Lanczos"
    )


def test_names_with_commas_are_quoted_in_infotext(context):
    request = of(context, Image.new("RGB", (8, 8)), upscaling=by("Lanczos", scale=2.5))
    (ready,) = results(request, context)
    assert ready.infotext == "Postprocess upscale by: 2.5, Postprocess upscaler: Lanczos"
    assert ready.save_as is not None
    assert ready.save_as.items == {"postprocessing": ready.infotext}


def test_a_stopped_job_makes_no_further_pictures(context, folder):
    events = process_extras(make_extras_request(input_folder=str(folder), upscaling=by("2x-tiny")), context)
    assert isinstance(next(events), Progress)
    context.stop.stop()
    assert [event for event in events if isinstance(event, ImageReady)] == []


def test_the_phase_is_named_once_a_picture(context, folder):
    request = make_extras_request(input_folder=str(folder), upscaling=by("2x-tiny"))
    events = list(process_extras(request, context))
    made = sum(isinstance(event, ImageReady) for event in events)
    assert [event.name for event in events if isinstance(event, Phase)] == ["Upscaling"] * made


def test_skipping_goes_on_with_the_next_picture(context, folder):
    events = process_extras(make_extras_request(input_folder=str(folder), upscaling=by("2x-tiny")), context)
    assert isinstance(next(events), Progress)
    context.stop.skip()
    assert [event.image.size for event in events if isinstance(event, ImageReady)] == [(96, 64)]


def test_mirrored_copies_follow_each_picture(context):
    image = Image.effect_mandelbrot((16, 8), (-2, -1, 1, 1), 20).convert("RGB")
    request = of(context, image, flipped_copies=("Horizontal", "Vertical", "Both"))
    made = [ready.image.tobytes() for ready in results(request, context)]
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    upside_down = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    turned = image.transpose(Image.Transpose.ROTATE_180)
    assert made == [each.tobytes() for each in (image, mirrored, upside_down, turned)]


def test_a_long_picture_is_split_into_parts_that_overlap(context):
    wanted = Upscaling(mode="to", width=64, height=64)
    request = of(context, Image.new("RGB", (64, 200)), upscaling=wanted, split=SplitOversized())
    assert [ready.image.size for ready in results(request, context)] == [(64, 64)] * 4


@pytest.mark.parametrize(("size", "parts"), [((64, 64), 1), ((64, 100), 1), ((64, 128), 3), ((300, 64), 6)])
def test_only_what_is_long_enough_is_split(size, parts):
    found = split_oversized(Image.new("RGB", size), (64, 64), SplitOversized())
    assert len(found) == parts
    if parts > 1:
        assert {part.size for part in found} == {(64, 64)}


def test_parts_begin_and_end_with_the_picture():
    ramp = Image.linear_gradient("L").resize((32, 160))
    first, *_, last = split_oversized(ramp, (32, 32), SplitOversized())
    assert first.getextrema()[0] == ramp.getextrema()[0]
    assert last.getextrema()[1] == ramp.getextrema()[1]


@given(
    width=st.integers(1, 4000),
    height=st.integers(1, 4000),
    objective=st.sampled_from(["Maximize area", "Minimize error"]),
    threshold=st.floats(0, 1),
)
def test_a_crop_of_a_size_in_bounds_is_the_best_there_is(width, height, objective, threshold):
    crop = SizedCrop(objective=objective, threshold=threshold)
    found = find_crop_size((width, height), crop)
    shape = width / height
    allowed = {
        (w, h): 1 - min(shape / (w / h), (w / h) / shape)
        for w in range(384, 769, 64)
        for h in range(384, 769, 64)
        if 64 * 64 <= w * h <= 640 * 640
    }
    near = {size: error for size, error in allowed.items() if error <= threshold - 1e-9}
    if found is None:
        assert not near
        return
    assert allowed[found] <= threshold + 1e-9
    if objective == "Maximize area":
        assert all(w * h <= found[0] * found[1] for w, h in near)
    else:
        assert all(allowed[found] <= error + 1e-9 for error in near.values())


def test_an_auto_sized_crop_cuts_the_middle_and_leaves_what_fits_no_size(context):
    wide = Image.new("RGB", (1500, 1000), "red")
    wide.paste("blue", (0, 0, 20, 1000))
    (made,) = results(of(context, wide, sized_crop=SizedCrop()), context)
    assert made.image.size == (768, 512)
    band = Image.new("RGB", (1000, 20))
    (odd,) = results(of(context, band, sized_crop=SizedCrop()), context)
    assert odd.image.size == (1000, 20)


def test_the_focal_crop_keeps_what_the_eye_goes_to(upscalers):
    pixels = np.full((100, 300, 3), 128, np.uint8)
    pixels[20:60:4, 240:280] = 255
    pixels[20:60, 240:280:4] = 0
    image = Image.fromarray(pixels)
    crop = FocalCrop(face_weight=0, entropy_weight=0, edges_weight=1)
    cut = focal_crop(image, (100, 100), crop, upscalers.faces)
    assert cut.size == (100, 100)
    assert np.asarray(cut).std() > 20
    assert all(x > 200 for x, _ in corner_points(image))


def test_the_busiest_part_is_found_along_the_longer_side():
    pixels = np.zeros((40, 200), np.uint8)
    pixels[:, 120:160] = np.random.default_rng(0).integers(0, 255, (40, 40))
    ((x, y),) = busiest_points(Image.fromarray(pixels).convert("RGB"), (40, 40))
    assert abs(x - 140) <= 8
    assert y == 20


def test_a_focal_crop_without_a_face_detector_goes_by_the_rest(context):
    image = Image.effect_noise((80, 40), 60).convert("RGB")
    wanted = Upscaling(mode="to", width=32, height=32)
    (ready,) = results(of(context, image, upscaling=wanted, focal_crop=FocalCrop()), context)
    assert ready.image.size == (32, 32)


def test_sixteen_bits_are_brought_down_not_cut_off():
    image = Image.fromarray(np.array([[0, 256, 65535]], np.uint16))
    assert [in_8_bits(image).getpixel((x, 0))[0] for x in range(3)] == [0, 1, 255]


@pytest.mark.parametrize(("mode", "becomes"), [("L", "RGB"), ("CMYK", "RGB"), ("LA", "RGBA"), ("P", "RGB")])
def test_every_kind_of_picture_becomes_one_of_two(mode, becomes):
    assert in_8_bits(Image.new(mode, (2, 2))).mode == becomes
