"""Through the queue: scripts that make the run, `process_images` from anywhere, saving, and stopping."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from tests.compat.a1111.running.conftest import World
from tests.compat.a1111.running.test_process import bytes_of, script_of
from tests.pipelines.runs import request_of
from webui.compat.a1111.hooks import run as hooks
from webui.core.errors import InvalidRequest
from webui.core.events import ImageReady, Phase, Preview
from webui.jobs.job import Delivery, Job
from webui.store.reading import read_infotext

LIMIT_S = 120


@pytest.fixture
def queued(world, exact_services, exact_api) -> Iterator[World]:
    """The same host over the program's own queue."""
    exact_services.plugins.register(hooks, "a1111 run")
    world.host.services = exact_services
    yield world
    for name in ("a1111 run", hooks.BATCHES):
        if name in exact_services.plugins.names:
            exact_services.plugins.unregister(name)


def chosen(world, run, tab: str = "txt2img", title: str = "Chosen"):
    base = world.module("scripts").Script
    kind = type(title, (base,), {"title": lambda self: title, "run": staticmethod(run)})
    return world.add(kind(), 3, tab=tab, is_chosen=True)


def carry_out(world, request, **delivery: object) -> Job:
    services = world.host.services
    job = services.submit(request, Delivery(**{"keep_images": True, **delivery}))
    assert job.wait(LIMIT_S) is not None
    return job


def images_of(job: Job) -> list[Image.Image]:
    """The pictures that the job kept for its caller, a sheet first."""
    kept = [event for event in job.log() if isinstance(event, ImageReady)]
    return [each.image for each in sorted(kept, key=lambda each: each.index)]


def request_for(title: str, **changes: object):
    extras = {"a1111": {"scripts": {title.lower(): [5]}, "selected": title}}
    return request_of(extras=extras, **changes)


def test_a_chosen_script_makes_the_run_its_pictures_saved_once_and_its_own_shown(queued):
    sheet = Image.new("RGB", (16, 8), "blue")

    def run(p, amount):
        assert amount == 5
        processing = queued.module("processing")
        p.do_not_save_grid = True
        first = processing.process_images(p)
        p.seed, p.prompt = first.seed + 10, "a dog"
        second = processing.process_images(p)
        images, texts = [sheet, *first.images, *second.images], ["", *first.infotexts, *second.infotexts]
        return processing.Processed(p, images, first.seed, infotexts=texts, index_of_first_image=1)

    chosen(queued, run)
    job = carry_out(queued, request_for("Chosen", seed=3, batch_size=1))
    assert job.finished.outcome == "done", job.finished.error
    shown = job.gallery()
    assert [(each.index, each.width) for each in shown] == [(-1, 16), (0, 64), (1, 64)]
    assert not shown[0].path
    wanted = [*queued.plain(request_of(seed=3)), *queued.plain(request_of(seed=13, prompt="a dog"))]
    assert [Image.open(each.path).tobytes() for each in shown[1:]] == bytes_of(wanted)
    assert [each.infotext for each in shown[1:]] == [each.infotext for each in wanted]
    assert [read_infotext(Path(each.path)).infotext for each in shown[1:]] == [
        each.infotext for each in wanted
    ]


def test_a_chosen_script_that_gives_nothing_is_the_plain_run(queued):
    chosen(queued, lambda p, amount: setattr(p, "steps", 2))
    job = carry_out(queued, request_for("Chosen", seed=3))
    assert job.finished.outcome == "done", job.finished.error
    (made,) = job.saved()
    assert Image.open(made.path).tobytes() == queued.plain(request_of(seed=3, steps=2))[0].image.tobytes()


def test_tiles_of_img2img_again_and_again(queued, noise):
    """As an upscaler by tiles does it: one object, other pictures and masks in each of its runs."""
    tiles = []

    def run(p, amount):
        state, processing = queued.module("shared").state, queued.module("processing")
        state.begin()
        state.job_count = 4
        p.do_not_save_samples, p.inpaint_full_res, p.inpaint_full_res_padding = True, True, 0
        p.width = p.height = 64
        image = p.init_images[0].resize((128, 128))
        for number in range(4):
            box = (number % 2 * 64, number // 2 * 64, number % 2 * 64 + 64, number // 2 * 64 + 64)
            mask = Image.new("L", image.size)
            mask.paste(255, box)
            p.init_images, p.image_mask, p.mask_blur = [image], mask, 0
            before = image.copy()
            image = processing.process_images(p).images[0]
            tiles.append((before, mask, image))
        state.end()
        return processing.Processed(p, [image], p.seed, infotexts=["tiles"])

    chosen(queued, run, tab="img2img")
    inputs = queued.host.services.inputs
    changes = {"init_images": (inputs.add_image(noise),), "denoising_strength": 0.4, "seed": 3}
    job = carry_out(queued, request_for("Chosen", **changes))
    assert job.finished.outcome == "done", job.finished.error
    assert [(each.infotext, each.width, each.path) for each in job.saved()] == [("tiles", 128, "")]
    for before, mask, image in tiles:
        part = {
            "mask": inputs.add_image(mask),
            "only_masked": True,
            "padding": 0,
            "mask_blur_x": 0,
            "mask_blur_y": 0,
        }
        part |= {"masked_content": "fill"}
        changes["init_images"] = (inputs.add_image(before),)
        assert queued.plain(request_of(inpainting=part, **changes))[0].image.tobytes() == image.tobytes()


def test_a_script_that_fails_ends_the_job_with_its_name(queued):
    def run(p, amount):
        raise KeyError("lost")

    chosen(queued, run)
    job = carry_out(queued, request_for("Chosen"))
    assert job.finished.outcome == "failed"
    assert "'chosen'" in job.finished.error
    assert "KeyError" in job.finished.error


def test_a_script_that_is_not_here_is_named(queued):
    job = carry_out(queued, request_for("Nonesuch"))
    assert job.finished.outcome == "failed"
    assert "no script named 'nonesuch'" in job.finished.error


def make_object(world, **changes: object):
    given = {"prompt": "a cat", "seed": 3, "width": 64, "height": 64, "steps": 3, "sampler_name": "Euler"}
    return world.module("processing").StableDiffusionProcessingTxt2Img(**given | changes)


def test_process_images_outside_of_a_job_waits_for_one_of_its_own(queued):
    """From a route, or a button of a tab: any thread."""
    results = []

    def press() -> None:
        settings = {"sd_model_checkpoint": "tiny-b", "randn_source": "NV"}
        p = make_object(queued, do_not_save_samples=True, override_settings=settings)
        results.append(queued.module("processing").process_images(p))

    thread = threading.Thread(target=press)
    thread.start()
    thread.join(LIMIT_S)
    (processed,) = results
    wanted = queued.plain(request_of(seed=3, model="tiny-b"))
    assert [each.tobytes() for each in processed.images] == bytes_of(wanted)
    assert processed.infotexts == [each.infotext for each in wanted]
    assert not queued.host.runs.is_in_job


def test_a_refusal_outside_of_a_job_is_raised_where_it_was_called(queued):
    with pytest.raises(InvalidRequest, match="Nonesuch"):
        queued.module("processing").process_images(make_object(queued, sampler_name="Nonesuch"))


def test_callbacks_around_saving_change_the_picture_its_texts_and_name(queued):
    callbacks = queued.module("script_callbacks")
    seen, expected = [], []

    def before(params):
        assert params.p.prompt == "a cat"
        expected.append(Path(params.filename))
        params.pnginfo["parameters"] += ", Own: 1"
        params.pnginfo["more"] = "x"
        params.image = Image.new("RGB", params.image.size, "red")

    callbacks.on_before_image_saved(before)
    callbacks.on_image_saved(lambda params: seen.append((params.filename, params.pnginfo["parameters"])))
    job = carry_out(queued, request_of())
    (made,) = job.saved()
    saved = Image.open(made.path)
    assert saved.getpixel((0, 0)) == (255, 0, 0)
    assert saved.info["more"] == "x"
    assert saved.info["parameters"].endswith(", Own: 1")
    assert seen == [(made.path, saved.info["parameters"])]
    # Extensions make names beside the picture's of it.
    assert expected[0].suffix == Path(made.path).suffix
    assert Path(made.path).is_relative_to(expected[0].parent)
    callbacks.clear_callbacks()


def test_state_stops_tells_and_shows(queued):
    state = queued.module("shared").state
    events = []

    def process_batch(p, batch_number, **_):
        state.textinfo = "Thinking"
        state.assign_current_image(Image.new("RGB", (8, 8)))
        events.append((state.interrupted, state.job_count))
        if batch_number == 1:
            state.stopping_generation = True

    script_of(queued, process_batch=process_batch)
    texts = []
    services = queued.host.services
    job = services.submit(request_of(batch_count=4, seed=3), Delivery(keep_images=True))
    job.listen(texts.append)
    job.wait(LIMIT_S)
    assert events == [(False, 4)] * 2
    wanted = [queued.plain(request_of(seed=seed))[0] for seed in (3, 4)]
    made = [each for each in job.saved() if each.index >= 0]
    assert [Image.open(each.path).tobytes() for each in made] == bytes_of(wanted)
    assert any(isinstance(each, Phase) and each.name == "Thinking" for each in texts)
    assert any(isinstance(each, Preview) and each.mime == "image/jpeg" for each in texts)


def test_interrupting_ends_the_run(queued):
    state = queued.module("shared").state
    script_of(queued, process_batch=lambda p, **_: state.interrupt())
    job = carry_out(queued, request_of(batch_count=4))
    assert job.finished.outcome == "stopped"
    assert len(job.saved()) == 1


def test_the_api_gives_the_same_results(queued, exact_api):
    def postprocess(p, processed):
        processed.images.append(Image.new("RGB", (8, 8), "blue"))
        processed.infotexts.append("own")

    script_of(queued, process=lambda p: p.extra_generation_params.update(Own="x"), postprocess=postprocess)
    body = {"prompt": "a cat", "width": 64, "height": 64, "steps": 2, "sampler_name": "Euler", "seed": 3}
    body |= {"override_settings": {"sd_model_checkpoint": "tiny-sd15"}}
    answer = exact_api.post("/sdapi/v1/txt2img", json=body)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["images"]) == 2
    assert "Own: x" in answer.json()["info"]


def test_a_progress_task_has_a_name(world):
    progress = world.module("progress")
    name = progress.create_task_id("txt2img")
    progress.add_task_to_queue(name)
    assert name in progress.pending_tasks
    progress.start_task(name)
    assert progress.current_task == name
    progress.finish_task(name)
    assert progress.current_task is None
    assert SimpleNamespace(
        **progress.progressapi(progress.ProgressRequest(id_task=name)).model_dump()
    ).completed


def test_pictures_go_where_the_object_says_those_of_scripts_too(queued, tmp_path):
    wanted = [tmp_path / "one", tmp_path / "two"]
    script_of(queued, process=lambda p: setattr(p, "outpath_samples", str(wanted[0])))
    (first,) = carry_out(queued, request_of(seed=3)).saved()
    queued.module("scripts").scripts_txt2img.alwayson_scripts.clear()

    def run(p, amount):
        p.outpath_samples = str(wanted[1])

    chosen(queued, run)
    (second,) = carry_out(queued, request_for("Chosen", seed=3)).saved()
    assert [
        Path(each.path).is_relative_to(folder) for each, folder in zip((first, second), wanted, strict=True)
    ] == [
        True,
        True,
    ]
    assert Path(first.path).name == Path(second.path).name
    assert read_infotext(Path(first.path)).infotext == first.infotext


def test_do_not_save_samples_leaves_a_plain_run_unsaved_and_shown(queued):
    script_of(queued, process=lambda p: setattr(p, "do_not_save_samples", True))
    (made,) = carry_out(queued, request_of(seed=3)).saved()
    assert not made.path


def test_a_picture_that_is_saved_can_make_no_other(queued):
    refusals = []

    def saved(params):
        try:
            queued.module("processing").process_images(make_object(queued))
        except InvalidRequest as error:
            refusals.append(str(error))

    callbacks = queued.module("script_callbacks")
    callbacks.on_image_saved(saved)
    carry_out(queued, request_of())
    callbacks.clear_callbacks()
    assert "While a picture is saved" in refusals[0]


def test_the_callback_of_grids_changes_the_sheet_of_a_run(queued):
    callbacks, seen = queued.module("script_callbacks"), []

    def arrange(params):
        seen.append((len(params.imgs), params.cols, params.rows))
        params.cols, params.rows = 1, 3

    callbacks.on_image_grid(arrange)
    try:
        job = carry_out(queued, request_of(batch_count=3), save_samples=False)
    finally:
        callbacks.remove_callbacks_for_function(arrange)
    (grid,) = [each for each in job.saved() if each.index < 0]
    made = images_of(job)[0]
    assert seen == [(3, 2, 2)]
    assert (grid.width, grid.height) == (made.width, 3 * made.height)


def test_process_images_puts_a_sheet_before_several_pictures(queued):
    seen = []

    def postprocess(p, processed):
        seen.append((len(processed.images), processed.index_of_first_image, len(processed.infotexts)))

    def run(p, amount):
        p.n_iter = 2
        return queued.module("processing").process_images(p)

    script_of(queued, postprocess=postprocess)
    chosen(queued, run)
    job = carry_out(queued, request_for("Chosen"), save_samples=False, save_grid=False)
    assert seen == [(3, 1, 3)]
    sheet, first, second = images_of(job)
    assert sheet.width * sheet.height == first.width * first.height * 2
    assert sheet.crop((0, 0, *first.size)).tobytes() == first.tobytes() != second.tobytes()


def test_process_images_makes_no_sheet_where_its_object_wants_none(queued):
    def run(p, amount):
        p.n_iter, p.do_not_save_grid = 2, True
        return queued.module("processing").process_images(p)

    chosen(queued, run)
    assert len(images_of(carry_out(queued, request_for("Chosen"), save_samples=False))) == 2


def idle_script(queued, number: int):
    """An extension whose box is not ticked: it has every method, and none of them does anything then."""
    base = queued.module("scripts").Script

    def unless_enabled(self, p, *args, **named):
        if args[-2 if len(args) > 1 else -1] is True:
            raise AssertionError("the box is not ticked")

    names = ("before_process", "process", "before_process_batch", "process_batch", "postprocess_batch")
    more = ("process_before_every_sampling", "post_sample", "postprocess_image", "postprocess")
    methods = dict.fromkeys((*names, *more), unless_enabled) | {"title": lambda self: f"Idle {number}"}
    return queued.add(type(f"Idle{number}", (base,), methods)(), False, 0.5)


def saved_bytes(job: Job, root: Path) -> list[bytes]:
    return [(root / each.path).read_bytes() for each in job.saved()]


def test_files_are_the_same_bytes_with_extensions_that_are_not_active(queued):
    services, request = queued.host.services, request_of(batch_count=2, options={"img2img_extra_noise": 0.1})
    root = services.paths.root
    callbacks = queued.module("script_callbacks")
    plain = saved_bytes(carry_out(queued, request), root)
    for number in range(4):
        idle_script(queued, number)
    seen = []
    callbacks.on_image_grid(lambda params: seen.append("grid"))
    callbacks.on_before_image_saved(lambda params: seen.append("saved"))
    callbacks.on_extra_noise(lambda params: seen.append("noise"))
    try:
        with_them = saved_bytes(carry_out(queued, request), root)
    finally:
        callbacks.remove_current_script_callbacks()
    assert seen == ["saved", "saved", "grid"]
    assert len(plain) == 3
    assert with_them == plain


PAGE_VALUES = (
    "a cat", "", [], 1, 1, 7.0, 64, 64, False, 0.7, 2.0, "Latent", 0, 0, 0, "Use same checkpoint",
    "Use same sampler", "Use same scheduler", "", "", [],
)  # fmt: skip


def test_txt2img_by_the_order_of_its_arguments_is_the_run_of_those_values(queued):
    made, info, html, _ = queued.module("txt2img").txt2img("task(mine)", SimpleNamespace(), *PAGE_VALUES, 0)
    told = json.loads(info)
    assert (told["prompt"], told["width"], len(made)) == ("a cat", 64, 1)
    assert "Steps: 50" in html
    assert made[0].size == (64, 64)


def test_txt2img_with_too_few_arguments_says_so(queued):
    with pytest.raises(InvalidRequest, match="arguments were given"):
        queued.module("txt2img").txt2img("task(mine)", None, *PAGE_VALUES[:5])


def test_a_folder_goes_through_img2img_picture_by_picture(queued, noise, tmp_path):
    folder, out = tmp_path / "in", queued.host.services.paths.root / "outputs" / "batch"
    folder.mkdir()
    noise.save(folder / "b.png")
    noise.rotate(90).save(folder / "a.png")
    seen = []

    def run(p, amount):
        queued.module("img2img").process_batch(p, str(folder), str(out), "", [0])
        seen.extend([p.init_images[0].tobytes(), p.outpath_samples])
        return queued.module("processing").Processed(p, [])

    chosen(queued, run, tab="img2img")
    image = queued.host.services.inputs.add_image(noise.rotate(180))
    request = request_for("Chosen", init_images=(image,), denoising_strength=0.5)
    carry_out(queued, request, save_grid=False)
    assert seen == [noise.tobytes(), str(out)]
    assert len(list(out.rglob("*.png"))) == 2
