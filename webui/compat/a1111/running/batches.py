"""The moments of a batch, from its texts to its finished pictures, as A1111's scripts see them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from webui.compat.a1111.denoising.whole_passes import conds_of
from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.running.beginning import call_scripts, setter_of
from webui.compat.a1111.running.folders import choose_folder
from webui.compat.a1111.running.infotexts import infotext_of_others, read_entries
from webui.compat.a1111.running.processing import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from webui.compat.a1111.running.reaching import site, site_function
from webui.compat.a1111.running.setting_up import fixed_seed
from webui.compat.a1111.runs import ActiveRun
from webui.core.request import MAX_SEED
from webui.core.run_plan import PlannedPicture
from webui.diffusion.denoising import Denoising
from webui.diffusion.inpaint import MaskBlend
from webui.plugins.batch import Batch
from webui.plugins.moments import BatchImages, PictureMoment

# Of latents, and pixels of a picture to one of them.
CHANNELS, CELL = 4, 8
OWN_SAMPLES = tuple(
    kind.sample
    for kind in (
        StableDiffusionProcessing,
        StableDiffusionProcessingTxt2Img,
        StableDiffusionProcessingImg2Img,
    )
)


def batch_facts(run: ActiveRun) -> dict[str, Any]:
    """What most hooks of a batch are given by name."""
    p = run.p
    return {
        "batch_number": p.iteration,
        "prompts": p.prompts,
        "seeds": p.seeds,
        "subseeds": p.subseeds,
    }


def hand_out_batch(run: ActiveRun, batch: Batch) -> None:
    """The object's lists of a batch."""
    run.batch, p = batch, run.p
    p.rng = None
    p.iteration, p.batch_index, p.is_hr_pass = batch.number, 0, False
    pictures = batch.pictures
    p.prompts = [each.prompt for each in pictures]
    p.negative_prompts = [each.negative_prompt for each in pictures]
    p.seeds = [each.seed for each in pictures]
    p.subseeds = [each.variation_seed for each in pictures]
    if batch.request.hires is not None:
        p.hr_prompts = [each.hires_prompt or each.prompt for each in pictures]
        p.hr_negative_prompts = [each.hires_negative_prompt or each.negative_prompt for each in pictures]


def plan_batch(run: ActiveRun, batch: Batch) -> tuple[PlannedPicture, ...]:
    """`before_process_batch`: the batch's pictures with the texts and seeds that scripts gave them."""
    hand_out_batch(run, batch)
    run.rng = run.p.rng = make_rng(run)
    call_scripts(run, "before_process_batch", **batch_facts(run))
    p = run.p
    changed: list[PlannedPicture] = []
    for place, each in enumerate(batch.pictures):
        texts = {
            "prompt": str(entry(p.prompts, place, each.prompt)),
            "negative_prompt": str(entry(p.negative_prompts, place, each.negative_prompt)),
            "seed": fixed_seed(entry(p.seeds, place, each.seed)) % (MAX_SEED + 1),
            "variation_seed": int(entry(p.subseeds, place, each.variation_seed)) % (MAX_SEED + 1),
        }
        if batch.request.hires is not None:
            texts |= changed_hires_texts(p, place, each)
        changed.append(each.model_copy(update=texts))
    return tuple(changed)


def changed_hires_texts(p: Any, place: int, picture: PlannedPicture) -> dict[str, str]:  # noqa: ANN401
    """The second pass's texts, where a script set others."""
    found: dict[str, str] = {}
    for name, field, first in (
        ("hr_prompts", "hires_prompt", picture.prompt),
        ("hr_negative_prompts", "hires_negative_prompt", picture.negative_prompt),
    ):
        before = getattr(picture, field) or first
        now = str(entry(getattr(p, name, None), place, before))
        if now != before:
            found[field] = now
    return found


def entry(values: Any, place: int, default: Any) -> Any:  # noqa: ANN401 - a list of whatever an extension set
    """An entry of a list, or what stood there."""
    return values[place] if isinstance(values, list | tuple) and place < len(values) else default


def change_texts(
    run: ActiveRun, texts: tuple[tuple[str, str], ...], batch: Batch
) -> tuple[tuple[str, str], ...]:
    """`after_extra_networks_activate` and `process_batch`: the texts that are encoded."""
    p = run.p
    if batch.is_second_pass:
        p.hr_prompts, p.hr_negative_prompts = ([each[i] for each in texts] for i in (0, 1))
        return texts
    lists = [each[0] for each in texts], [each[1] for each in texts]
    p.prompts, p.negative_prompts = list(lists[0]), list(lists[1])
    run.batch = batch
    p.extra_network_data = data = find_networks([each.prompt for each in batch.pictures])
    if not p.disable_extra_networks:
        call_scripts(run, "after_extra_networks_activate", **batch_facts(run), extra_network_data=data)
    call_scripts(run, "process_batch", **batch_facts(run))
    return tuple(
        (str(entry(p.prompts, place, prompt)), str(entry(p.negative_prompts, place, negative)))
        for place, (prompt, negative) in enumerate(texts)
    )


def find_networks(prompts: list[str]) -> Any:  # noqa: ANN401 - parameters by the kind of network
    """What the prompts' `<name:…>` say."""
    return site_function("extra_networks", "parse_prompts", lambda texts: (texts, {}))(prompts)[1]


def is_sample_replaced(p: Any) -> bool:  # noqa: ANN401 - a processing object
    """Whether an extension put a function of its own around the object's sampling."""
    return "sample" in p.__dict__ or type(p).sample not in OWN_SAMPLES


def wrap_sampling(run: ActiveRun, sample: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """The sampling within `p.sample`, where an extension replaced it."""
    p = run.p
    if not is_sample_replaced(p):
        return sample

    def wrapped() -> Tensor:
        run.sample = sample
        if run.batch is not None:
            p.c, p.uc = conds_of(run.batch, run.context)
        given = {
            "conditioning": p.c,
            "unconditional_conditioning": p.uc,
            "seeds": p.seeds,
            "subseeds": p.subseeds,
            "subseed_strength": p.subseed_strength,
            "prompts": p.prompts,
        }
        try:
            latent = call_extension(setter_of(p, "sample"), "p.sample", p.sample, **given)
        finally:
            run.sample = None
        if not (isinstance(latent, Tensor) and latent.ndim == 4 and len(latent)):
            # Where it failed, or gave nothing, the batch is made without it.
            return sample()
        if run.batch is not None and len(latent) != len(run.batch.pictures):
            run.needs_whole_batch()
        return latent

    return wrapped


def prepare_denoising(run: ActiveRun, denoising: Denoising, batch: Batch) -> None:
    """`before_hr` and `process_before_every_sampling`, and numbers that scripts changed since the plan."""
    p = run.p
    p.is_hr_pass = batch.is_second_pass
    if batch.is_second_pass:
        call_scripts(run, "before_hr")
    if p.rng is not run.rng and p.rng is not None and not batch.is_second_pass:
        # An extension put other noise in its place.
        noise = p.rng.next()
        if noise.shape == (batch.request.batch_size, *denoising.noise.shape):
            denoising.first_noise = noise.to(denoising.noise.device)
    if denoising.first_noise is None:
        denoising.first_noise = denoising.noise.draw()
    if site("script_callbacks").has_callbacks("extra_noise"):
        denoising.change_extra_noise.append(call_extra_noise)
    noise = denoising.first_noise
    latent = noise if denoising.init is None else denoising.init.latent
    call_scripts(run, "process_before_every_sampling", x=latent, noise=noise, c=p.c, uc=p.uc)
    if denoising.mask is not None and getattr(p.scripts, "on_mask_blend", None) is not None:
        denoising.mask.on_blend.append(lambda blend: tell_blend(run, blend))
    write_numbers(p, denoising, batch)


def tell_blend(run: ActiveRun, blend: MaskBlend) -> None:
    """`on_mask_blend`: the latent with what is kept laid over it, which scripts may replace."""
    mask = blend.mask
    arguments = site("scripts").MaskBlendArgs(
        blend.latent,
        1 - mask.keep,
        mask.init_latent,
        mask.keep,
        blend.blended,
        denoiser=getattr(run.p.sampler, "model_wrap_cfg", None),
        sigma=blend.level,
    )
    call_scripts(run, "on_mask_blend", arguments)
    blend.blended = arguments.blended_latent


def call_extra_noise(noise: Tensor, latent: Tensor, noised: Tensor) -> Tensor:
    """The noise that is added once more, as the callback `extra_noise` leaves it."""
    # They may write into what they are given: the first noise stays as it is.
    params = site("script_callbacks").ExtraNoiseParams(noise.clone(), latent, noised)
    site("script_callbacks").extra_noise_callback(params)
    found = params.noise
    return found if isinstance(found, Tensor) and found.shape == noise.shape else noise


def make_rng(run: ActiveRun) -> Any:  # noqa: ANN401 - A1111's noise of a batch
    """The noise of a batch as extensions draw it; None where they cannot."""
    p = run.p
    kind = site_function("rng", "ImageRNG", None)
    if kind is None:
        return None
    height, width = int(p.height) // CELL, int(p.width) // CELL
    return kind(
        (CHANNELS, height, width),
        p.seeds,
        subseeds=p.subseeds,
        subseed_strength=p.subseed_strength,
        seed_resize_from_h=p.seed_resize_from_h,
        seed_resize_from_w=p.seed_resize_from_w,
    )


def write_numbers(p: Any, denoising: Denoising, batch: Batch) -> None:  # noqa: ANN401 - a processing object
    """Numbers of the object that differ from the request's, which decide this pass."""
    request = batch.request
    if isinstance(p.cfg_scale, int | float) and p.cfg_scale != request.cfg_scale:
        denoising.guidance = replace(denoising.guidance, cfg_scale=float(p.cfg_scale))
    strength = p.denoising_strength
    if (
        denoising.init is not None
        and isinstance(strength, int | float)
        and strength != request.denoising_strength
    ):
        denoising.init = replace(denoising.init, denoising_strength=min(max(float(strength), 0.0), 1.0))


def change_latent(run: ActiveRun, latent: Tensor) -> Tensor | None:
    """`post_sample`."""
    arguments = site("scripts").PostSampleArgs(latent)
    call_scripts(run, "post_sample", arguments)
    found = arguments.samples
    return found if isinstance(found, Tensor) and found.shape[1:] == latent.shape[1:] else None


def wants_whole_batches(p: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a script looks at all pictures of a batch together."""
    scripts, base = getattr(p.scripts, "alwayson_scripts", None) or [], site("scripts").Script
    names = ("postprocess_batch", "postprocess_batch_list")
    return any(
        getattr(type(each), name, None) is not getattr(base, name, None) for each in scripts for name in names
    )


def change_batch(run: ActiveRun, images: BatchImages) -> BatchImages | None:
    """`postprocess_batch`, which writes into the pictures, and `postprocess_batch_list`, of other count."""
    p = run.p
    # A sample of an extension's own may have given more latents than the batch has, or fewer.
    images.pictures = fitted(images.pictures, len(images.images))
    call_scripts(run, "postprocess_batch", images=images.images, batch_number=p.iteration)
    listed = site("scripts").PostprocessBatchListArgs(list(images.images))
    call_scripts(run, "postprocess_batch_list", listed, batch_number=p.iteration)
    made = list(listed.images)
    if len(made) == len(images.images) and all(a is b for a, b in zip(made, images.images, strict=True)):
        return images
    if not made or any(each.shape != made[0].shape for each in made):
        return images
    stack = torch.stack([each.detach().to("cpu", torch.float32) for each in made]).clamp(0, 1)
    pictures = fitted(images.pictures, len(made))
    changed = [
        each.model_copy(
            update={
                "seed": int(entry(p.seeds, i, each.seed)),
                "variation_seed": int(entry(p.subseeds, i, each.variation_seed)),
            }
        )
        for i, each in enumerate(pictures)
    ]
    return BatchImages(stack, changed)


def fitted(pictures: list[PlannedPicture], count: int) -> list[PlannedPicture]:
    """So many entries: those that there are, then the last one again."""
    return [*pictures[:count], *pictures[-1:] * (count - len(pictures))]


def change_image(run: ActiveRun, image: Image.Image, moment: PictureMoment) -> Image.Image:
    """The moments of one picture."""
    p, scripts = run.p, site("scripts")
    size = run.batch.request.batch_size if run.batch else 1
    p.batch_index = moment.index - run.batch.first if run.batch else moment.index % size
    if moment.place == "restored":
        given = scripts.PostprocessImageArgs(image)
        call_scripts(run, "postprocess_image", given)
        image = given.image
        if moment.overlay is not None:
            over = scripts.PostProcessMaskOverlayArgs(p.batch_index, moment.mask, moment.overlay)
            call_scripts(run, "postprocess_maskoverlay", over)
            moment.mask, moment.overlay = over.mask_for_overlay, over.overlay_image
    elif moment.place == "composed":
        given = scripts.PostprocessImageArgs(image)
        call_scripts(run, "postprocess_image_after_composite", given)
        image = given.image
        moment.entries |= read_entries(p, moment.index)
        moment.infotext = infotext_of_others(p, moment.index)
        if not run.is_ours:
            moment.is_saved = not p.do_not_save_samples
            place = choose_folder(run)
            moment.folder = place.folder if place else ""
    return image
