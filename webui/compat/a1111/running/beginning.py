"""The moments of a run before its first batch, as A1111's scripts see them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from webui.compat.a1111.denoising.axes import apply_axes
from webui.compat.a1111.host import ExtensionHost, current
from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.running.inner import inner_of
from webui.compat.a1111.running.making import add_scripts, make_processing
from webui.compat.a1111.running.reaching import site
from webui.compat.a1111.running.setting_up import set_up_seeds
from webui.compat.a1111.running.write_back import override, take_snapshot, write_back
from webui.compat.a1111.runs import ActiveRun
from webui.core.errors import InvalidRequest
from webui.core.request import MAX_SEED, GenerationRequest
from webui.core.run_plan import PlannedPicture, RunPlan
from webui.pipelines.img2img.img2img import Start
from webui.plugins.context import Context


def call_scripts(run: ActiveRun, moment: str, *args: object, **named: object) -> None:
    """Call a moment of the run's scripts, if it has any; each keeps its mistakes to itself."""
    scripts = run.p.scripts
    function = getattr(scripts, moment, None) if scripts is not None else None
    if function is not None:
        function(run.p, *args, **named)


def begin_run(request: GenerationRequest, context: Context, host: ExtensionHost) -> ActiveRun:
    """A run that the page, the API or a script of ours asked for, with a processing object of its own."""
    p = make_processing(request, context, host)
    add_scripts(p, request, is_nested=context.state.depth > 0)
    apply_axes(p, request)
    run = ActiveRun(p, context, request, inner_of(p)["handed_at_first"])
    host.runs.push(run)
    return run


def change_request(request: GenerationRequest, context: Context, host: ExtensionHost) -> GenerationRequest:
    """`before_process`: what scripts change of the object, its `override_settings` too, goes in."""
    run = begin_run(request, context, host)
    call_scripts(run, "before_process")
    return take_back(run, host, "before_process")


def take_back(run: ActiveRun, host: ExtensionHost, where: str) -> GenerationRequest:
    """The run's request with what was changed since the object was last handed out. Raises WebuiError."""
    request = write_back(run.p, run.request, run.handed, host, where, is_planned=run.is_planned)
    if run.p.override_settings and not run.is_planned:
        request, _ = override(request, dict(run.p.override_settings), run.context.settings, host)
    run.request, run.handed = request, take_snapshot(run.p)
    return request


def plan_run(request: GenerationRequest, context: Context, host: ExtensionHost) -> GenerationRequest:
    """Texts and seeds of each picture worked out, `process`, and what scripts made of them."""
    run = host.runs.at(context)
    if run is None:
        # A turn of a loopback: no request of its own was changed.
        run = begin_run(request, context, host)
    run.request = request
    hand_out_plan(run, request)
    begin_state(run)
    name_models(run, host)
    call_scripts(run, "process")
    if not request.is_img2img:
        call_init(run)
    run.is_planned = True
    changed = take_back(run, host, "process")
    run.request = take_plan(run, changed)
    return run.request


def begin_state(run: ActiveRun) -> None:
    """`shared.state` of a run that no script makes: its batches are counted."""
    state = site("shared").state
    if run.depth == 0:
        state.begin("img2img" if run.request.is_img2img else "txt2img")
    if state.job_count == -1:
        state.job_count = run.request.batch_count


def name_models(run: ActiveRun, host: ExtensionHost) -> None:
    """The names of checkpoint and VAE, as the object has them."""
    p, catalog, request = run.p, host.ready.catalog, run.request
    file = catalog.find_checkpoint(request.model)
    p.sd_model_name, p.sd_model_hash = file.stem, catalog.sha256(file)[:10]
    p.sd_vae_name = None if request.vae in ("Automatic", "None") else request.vae


def hand_out_plan(run: ActiveRun, request: GenerationRequest) -> None:
    """The object's lists, one entry a picture."""
    p = run.p
    if run.is_ours and request.plan is None:
        p.setup_prompts()
        set_up_seeds(p)
        return
    pictures = request.plan_pictures().pictures
    p.all_prompts = [each.prompt for each in pictures]
    p.all_negative_prompts = [each.negative_prompt for each in pictures]
    p.all_seeds = [each.seed for each in pictures]
    p.all_subseeds = [each.variation_seed for each in pictures]
    p.main_prompt, p.main_negative_prompt = p.all_prompts[0], p.all_negative_prompts[0]
    if request.hires is not None:
        p.all_hr_prompts = [each.hires_prompt or each.prompt for each in pictures]
        p.all_hr_negative_prompts = [each.hires_negative_prompt or each.negative_prompt for each in pictures]


def take_plan(run: ActiveRun, request: GenerationRequest) -> GenerationRequest:
    """The request for the pictures of the object's lists. Raises InvalidRequest."""
    p = run.p
    prompts = list(p.all_prompts or [])
    count = min(len(prompts), request.batch_size * request.batch_count)
    pictures = [planned_picture(p, index, request) for index in range(count)]
    if not pictures:
        raise InvalidRequest("An extension left no prompts in p.all_prompts, so there is nothing to make.")
    old = request.plan_pictures().pictures if request.plan is not None else ()
    # What other extensions write into the infotext stays.
    kept = [
        each.model_copy(update={"entries": old[i].entries}) if i < len(old) else each
        for i, each in enumerate(pictures)
    ]
    plan = RunPlan(pictures=tuple(kept))
    plain = request.model_copy(update={"plan": None})
    if request.plan is None and len(plan) == plain.count and plan == first_plan(plain, kept):
        return with_first(plain, kept)
    return request.planned(plan)


def with_first(request: GenerationRequest, pictures: list[PlannedPicture]) -> GenerationRequest:
    """The request with the texts and seeds of its first picture, from which the others follow."""
    first = pictures[0]
    changes: dict[str, Any] = {
        "prompt": first.prompt,
        "negative_prompt": first.negative_prompt,
        "seed": first.seed,
        "variation_seed": first.variation_seed,
    }
    if request.hires is not None:
        texts = {"prompt": first.hires_prompt, "negative_prompt": first.hires_negative_prompt}
        changes["hires"] = request.hires.model_copy(update=texts)
    return request.model_copy(update=changes)


def first_plan(request: GenerationRequest, pictures: list[PlannedPicture]) -> RunPlan:
    """What would be made of the first picture's texts and seeds without a plan."""
    return with_first(request, pictures).plan_pictures()


def planned_picture(p: Any, index: int, request: GenerationRequest) -> PlannedPicture:  # noqa: ANN401
    """One picture of the object's lists; where a list is shorter, its last entry."""

    def at(name: str, default: Any) -> Any:  # noqa: ANN401 - a text or a seed
        values = list(getattr(p, name, None) or [])
        return values[min(index, len(values) - 1)] if values else default

    prompt, negative = str(at("all_prompts", "")), str(at("all_negative_prompts", ""))
    hires_texts = ("", "")
    if request.hires is not None:
        texts = str(at("all_hr_prompts", prompt)), str(at("all_hr_negative_prompts", negative))
        same = prompt, negative
        hires_texts = tuple("" if text == first else text for text, first in zip(texts, same, strict=True))
    return PlannedPicture(
        prompt=prompt,
        negative_prompt=negative,
        seed=int(at("all_seeds", request.seed)) % (MAX_SEED + 1),
        variation_seed=int(at("all_subseeds", request.variation_seed)) % (MAX_SEED + 1),
        hires_prompt=hires_texts[0],
        hires_negative_prompt=hires_texts[1],
    )


def call_init(run: ActiveRun) -> None:
    """`p.init`, which extensions may have replaced."""
    p = run.p
    call_extension(setter_of(p, "init"), "p.init", p.init, p.all_prompts, p.all_seeds, p.all_subseeds)


def setter_of(p: Any, name: str) -> str:  # noqa: ANN401 - a processing object
    """The file that set an attribute; this one where nobody did."""
    return inner_of(p).get("set_by", {}).get(name) or __file__


def wrap_start(
    make: Callable[[GenerationRequest], Start], run: ActiveRun
) -> Callable[[GenerationRequest], Start]:
    """img2img's pictures prepared and encoded within `p.init`."""
    host = current()

    def start(request: GenerationRequest) -> Start:
        made: list[Start] = []

        def begin() -> None:
            # What was set since, in the function around: other pictures or another mask.
            changed = write_back(run.p, request, run.handed, host, "init", is_planned=True)
            made.append(make(changed))
            hand_out_start(run.p, made[-1], changed)

        run.start = begin
        try:
            call_init(run)
        finally:
            run.start = None
        if not made:
            # It did not come to the program's own part.
            made.append(make(request))
            return take_start(run.p, made[-1], {})
        return take_start(run.p, made[-1], handed_start(made[-1], request))

    return start


def handed_start(start: Start, request: GenerationRequest) -> dict[str, Any]:
    """What the object was given of a start."""
    mask = start.mask(request)
    return {"init_latent": start.latent, "nmask": None if mask is None else 1 - mask.keep}


def hand_out_start(p: Any, start: Start, request: GenerationRequest) -> None:  # noqa: ANN401 - as above
    """What A1111's init leaves on the object."""
    mask = start.mask(request)
    p.init_latent, p.image_conditioning = start.latent, start.conditioning
    p.mask = mask.keep if mask else None
    p.nmask = 1 - mask.keep if mask else None
    p.overlay_images = list(start.originals.overlays) or None
    p.mask_for_overlay = start.originals.mask
    region = start.originals.region
    p.paste_to = (
        None if region is None else (region[0], region[1], region[2] - region[0], region[3] - region[1])
    )
    # Scripts that make a picture again and again give those of the first one.
    p.color_corrections = p.color_corrections or list(start.originals.colours) or None
    p.init_img_hash = start.image_hash


def take_start(p: Any, start: Start, handed: dict[str, Any]) -> Start:  # noqa: ANN401 - as above
    """The start with the latent and overlays that an extension put in their place."""
    latent = getattr(p, "init_latent", None)
    if latent is not handed.get("init_latent") and isinstance(latent, torch.Tensor):
        if latent.shape == start.latent.shape:
            start = replace(start, latent=latent.to(start.latent.device, start.latent.dtype))
        else:
            current().runs.tell(
                f"An extension replaced p.init_latent by one of {tuple(latent.shape)}, not of "
                f"{tuple(start.latent.shape)}. It was not used."
            )
    colours = tuple(p.color_corrections or ())
    if len(colours) != len(start.originals.colours) or any(
        a is not b for a, b in zip(colours, start.originals.colours, strict=True)
    ):
        start = replace(start, originals=replace(start.originals, colours=colours))
    if handed and not p.overlay_images and start.originals.overlays:
        start = replace(start, originals=replace(start.originals, overlays=()))
    return start
