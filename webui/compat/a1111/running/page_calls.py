"""txt2img and img2img as A1111's page calls them: by the order of their arguments."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from webui.compat.a1111.host import current
from webui.compat.a1111.page.generate_arguments import BUILT_IN, IMG2IMG, TXT2IMG
from webui.compat.a1111.running.device_calls import call_on_device
from webui.compat.a1111.running.process_images import process_images
from webui.compat.a1111.running.processing import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from webui.compat.a1111.running.reaching import site
from webui.core.errors import InvalidRequest
from webui.jobs.img2img_batch import find_batch_pictures, find_folder
from webui.store.pictures.images import Tab, picture_folder
from webui.store.reading import open_picture

TASK_PREFIX = "task("
SAME = ("Use same checkpoint", "Use same sampler", "Use same scheduler")


def split_arguments(names: Sequence[str], args: Sequence[Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Arguments by name, and what comes after them: those of the scripts. Raises InvalidRequest."""
    if len(args) < len(names):
        raise InvalidRequest(
            f"{len(args)} arguments were given, but A1111 1.10 has {len(names)} before those of the scripts."
        )
    return dict(zip(names, args, strict=False)), tuple(args[len(names) :])


def read_overrides(texts: Any) -> dict[str, Any]:  # noqa: ANN401 - a list of texts, if it is one
    """Settings of this run alone, as the page names them."""
    return dict(site("infotext_utils").create_override_settings_dict(texts or []))


def folders_of(tab: Tab) -> dict[str, str]:
    """Where the tab's pictures go."""
    folders = current().ready.settings.current.folders
    return {
        "outpath_samples": picture_folder(folders, tab),
        "outpath_grids": picture_folder(folders, tab, grid=True),
    }


def owner_of(request: Any) -> str | None:  # noqa: ANN401 - Gradio's request
    """Who asked."""
    return getattr(request, "username", None)


def create_txt2img(
    id_task: Any,  # noqa: ANN401 - a text, which names a task
    request: Any,  # noqa: ANN401 - Gradio's
    *args: Any,  # noqa: ANN401 - as the page has them
    force_enable_hr: bool = False,
) -> StableDiffusionProcessingTxt2Img:
    """The processing object of the page's values. Raises InvalidRequest."""
    values, scripts = split_arguments(TXT2IMG, args)
    overrides = read_overrides(values.pop("override_settings_texts"))
    same = {name: None for name, value in values.items() if isinstance(value, str) and value in SAME}
    p = StableDiffusionProcessingTxt2Img(
        override_settings=overrides, **folders_of("txt2img"), **values | same
    )
    p.enable_hr = p.enable_hr or force_enable_hr
    return add_page_scripts(p, "scripts_txt2img", scripts, request)


def add_page_scripts(p: Any, runner: str, arguments: Sequence[Any], request: Any) -> Any:  # noqa: ANN401
    """The object with the scripts of its tab. Before their arguments, A1111's page has those of its own."""
    p.scripts = getattr(site("scripts"), runner)
    if len(arguments) > len(BUILT_IN) and len(arguments) != len(p.scripts.inputs):
        set_built_in(p, dict(zip(BUILT_IN, arguments[1:], strict=False)))
        arguments = (arguments[0], *arguments[len(BUILT_IN) + 1 :])
    p.script_args = tuple(arguments)
    p.user = owner_of(request)
    p.scripts.setup_scripts(p, is_ui=True)
    return p


def set_built_in(p: Any, values: Mapping[str, Any]) -> None:  # noqa: ANN401 - a processing object
    """What A1111's own scripts set of a run, by their arguments."""
    p.steps, p.sampler_name, p.scheduler, p.seed = (
        values[name] for name in ("steps", "sampler_name", "scheduler", "seed")
    )
    if values["enable_refiner"] and values["refiner_checkpoint"] not in (None, "", "None"):
        p.refiner_checkpoint = values["refiner_checkpoint"]
        p.refiner_switch_at = values["refiner_switch_at"]
    if values["seed_enable_extras"]:
        for name in ("subseed", "subseed_strength", "seed_resize_from_w", "seed_resize_from_h"):
            setattr(p, name, values[name])


def make_result(id_task: Any, make: Callable[[], StableDiffusionProcessing]) -> tuple[Any, str, str, str]:  # noqa: ANN401 - as below
    """What A1111's page is given: pictures, their values as JSON, HTML of the infotext and of remarks.

    The page that named a task asks how far it is.
    """

    progress, is_told = site("progress"), is_new_task(id_task)

    def work() -> Any:  # noqa: ANN401 - a Processed
        if is_told:
            progress.start_task(id_task)
        p = make()
        made = p.scripts.run(p, *p.script_args)
        return process_images(p) if made is None else made

    if is_told:
        progress.add_task_to_queue(id_task)
    try:
        task = id_task if is_told else ""
        processed = call_on_device(work, "txt2img or img2img of an extension", task)
    finally:
        if is_told:
            progress.finish_task(id_task)
    html = site("ui_common").plaintext_to_html
    return (
        list(processed.images) + list(processed.extra_images),
        processed.js(),
        html(processed.info),
        html(processed.comments, classname="comments"),
    )


def is_new_task(id_task: Any) -> bool:  # noqa: ANN401 - as above
    """Whether it names a task of which nobody else tells."""
    progress = site("progress")
    return str(id_task).startswith(TASK_PREFIX) and id_task not in {
        progress.current_task,
        *progress.pending_tasks,
    }


def run_txt2img(id_task: Any, request: Any, *args: Any) -> tuple[Any, str, str, str]:  # noqa: ANN401 - as above
    """Make the pictures of the page's values. Raises WebuiError."""
    return make_result(id_task, lambda: create_txt2img(id_task, request, *args))


def upscale_from_txt2img(
    id_task: Any,  # noqa: ANN401 - as above
    request: Any,  # noqa: ANN401 - as above
    gallery: Any,  # noqa: ANN401 - what the gallery shows
    gallery_index: Any,  # noqa: ANN401 - a number
    generation_info: Any,  # noqa: ANN401 - JSON
    *args: Any,  # noqa: ANN401 - as above
) -> tuple[Any, str, str, str]:
    """The second pass alone, from a picture of the gallery. Raises WebuiError."""
    place = int(gallery_index)
    image = site("infotext_utils").image_from_url_text(gallery[place])

    def make() -> StableDiffusionProcessing:
        p = create_txt2img(id_task, request, *args, force_enable_hr=True)
        p.batch_size = p.n_iter = 1
        p.txt2img_upscale, p.firstpass_image = True, image
        return p

    return make_result(id_task, make)


def read_image(mode: int, values: Mapping[str, Any]) -> tuple[Any, Any]:
    """The picture and the mask of a tab of img2img by its number; both may be None. Raises InvalidRequest."""
    sketch = values["init_img_with_mask"]
    if mode == 2 and isinstance(sketch, Mapping):
        return sketch.get("image"), sketch.get("mask")
    if mode == 3 and values["inpaint_color_sketch"] is not None:
        drawn, original = (
            values["inpaint_color_sketch"],
            values["inpaint_color_sketch_orig"] or values["inpaint_color_sketch"],
        )
        difference = Image.eval(_difference(drawn, original), lambda level: 255 if level else 0)
        return drawn.convert("RGB"), difference
    by_mode = {
        0: ("init_img",),
        1: ("sketch",),
        2: ("init_img_with_mask",),
        4: ("init_img_inpaint", "init_mask_inpaint"),
    }
    names = by_mode.get(mode, ("init_img",))
    image = values[names[0]]
    return image, values[names[1]] if len(names) > 1 else None


def _difference(one: Image.Image, other: Image.Image) -> Image.Image:
    # Where any colour was drawn over.
    from PIL import ImageChops

    return ImageChops.difference(one.convert("RGB"), other.convert("RGB")).convert("L")


def run_img2img(id_task: Any, request: Any, mode: Any, *args: Any) -> tuple[Any, str, str, str]:  # noqa: ANN401
    """The same for img2img; `mode` is the number of its tab. Raises WebuiError."""
    values, scripts = split_arguments(IMG2IMG, (mode, *args))
    return make_result(id_task, lambda: create_img2img(int(mode), values, scripts, request))


def create_img2img(
    mode: int,
    values: Mapping[str, Any],
    scripts: Sequence[Any],
    request: Any,  # noqa: ANN401 - Gradio's
) -> StableDiffusionProcessingImg2Img:
    """The processing object of the page's values. Raises InvalidRequest."""
    image, mask = read_image(mode, values)
    if image is None:
        raise InvalidRequest("There is no picture for img2img. Add one.")
    image = ImageOps.exif_transpose(image)
    width, height = values["width"], values["height"]
    if values["selected_scale_tab"] == 1:
        width, height = (int(side * values["scale_by"]) for side in image.size)
    taken = [
        "prompt",
        "negative_prompt",
        "styles",
        "batch_size",
        "n_iter",
        "cfg_scale",
        "mask_blur",
        "inpainting_fill",
        "resize_mode",
        "denoising_strength",
        "image_cfg_scale",
        "inpaint_full_res",
        "inpaint_full_res_padding",
        "inpainting_mask_invert",
    ]
    p = StableDiffusionProcessingImg2Img(
        init_images=[image],
        mask=mask,
        width=width,
        height=height,
        override_settings=read_overrides(values["override_settings_texts"]),
        **folders_of("img2img"),
        **{name: values[name] for name in taken},
    )
    return add_page_scripts(p, "scripts_img2img", scripts, request)


def process_batch(  # noqa: PLR0913, PLR0917 - A1111's
    p: Any,  # noqa: ANN401 - a processing object of img2img
    input: Any,  # noqa: ANN401 - a folder, or files
    output_dir: str,
    inpaint_mask_dir: str,
    args: Sequence[Any],
    to_scale: bool = False,
    scale_by: float = 1.0,
    use_png_info: bool = False,
    png_info_props: Any = None,  # noqa: ANN401 - a list of names
    png_info_dir: Any = None,  # noqa: ANN401 - a folder
) -> Any:  # noqa: ANN401 - the last Processed
    """A folder of pictures, one after another, through img2img. Raises WebuiError."""
    pictures = list_pictures(input)
    masks = (
        find_batch_pictures(find_folder(inpaint_mask_dir, "mask folder"), "mask folder")
        if inpaint_mask_dir
        else ()
    )
    state, processed = site("shared").state, None
    state.job_count = len(pictures) * max(int(p.n_iter), 1)
    runner, chosen = p.scripts, bool(args and args[0])
    for number, file in enumerate(pictures):
        if state.interrupted or state.stopping_generation:
            break
        state.textinfo = f"Picture {number + 1} of {len(pictures)}: {file.name}"
        image = open_picture(file)
        p.init_images = [image] * max(int(p.batch_size), 1)
        if to_scale:
            p.width, p.height = (int(side * scale_by) for side in image.size)
        own = next((mask for mask in masks if mask.stem == file.stem), masks[0] if len(masks) == 1 else None)
        p.image_mask = open_picture(own) if own else p.image_mask
        if output_dir:
            p.outpath_samples = output_dir
        made = runner.run(p, *args) if runner is not None and chosen else None
        processed = process_images(p) if made is None else made
    return processed


def list_pictures(given: Any) -> list[Path]:  # noqa: ANN401 - as above
    """Files of a folder, or those that were uploaded. Raises InvalidRequest."""
    if isinstance(given, str | Path):
        return list(find_batch_pictures(find_folder(str(given), "folder"), "folder"))
    return [Path(getattr(each, "name", each)) for each in given]
