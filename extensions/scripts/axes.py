"""The axes of the X/Y/Z plot, in A1111's order and with A1111's names, then those of extensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from extensions.scripts.added_axes import list_added_axes
from extensions.scripts.axis import Axis, Change, show_file, show_order, show_plain
from extensions.scripts.changes import (
    cap_unipc_order,
    change,
    choose_refiner,
    choose_restorer,
    choose_size,
    choose_vae,
    field,
    option,
    order_words,
    part,
    replace_text,
    switch,
)
from extensions.scripts.choices import (
    BOTH_WAYS,
    list_checkpoints,
    list_refiners,
    list_samplers,
    list_schedules,
    list_upscalers,
    list_vaes,
    look_up_checkpoint,
    look_up_refiner,
    look_up_upscaler,
    look_up_vae,
    words,
)
from extensions.scripts.part_axes import list_part_axes
from webui.plugins import InvalidRequest

if TYPE_CHECKING:
    from webui.plugins import Context, GenerationRequest


def whole(label: str, change: Change, **more: Any) -> Axis:  # noqa: ANN401 - as Axis
    """An axis of whole numbers."""
    return Axis(label, "whole", change, **more)


def number(label: str, change: Change, **more: Any) -> Axis:  # noqa: ANN401 - as Axis
    """An axis of numbers."""
    return Axis(label, "number", change, **more)


NO_PIX2PIX = "InstructPix2Pix checkpoints, the only ones that have it, are not supported"
NO_FP8 = "networks are not kept in 8 bits here; the memory budget of the settings decides what is kept"
# In A1111's order: clients of its API name an axis by its place among those of their tab.
AXES: tuple[Axis, ...] = (
    Axis("Nothing"),
    whole("Seed", field("seed")),
    whole("Var. seed", field("variation_seed")),
    number("Var. strength", field("variation_strength")),
    whole("Steps", field("steps")),
    whole("Hires steps", part("hires", "steps"), tab="txt2img", needs="hires"),
    number("CFG Scale", field("cfg_scale")),
    number("Image CFG Scale", field("cfg_scale"), tab="img2img", missing=NO_PIX2PIX),
    Axis("Prompt S/R", change=replace_text, show=show_plain),
    Axis("Prompt order", "order", order_words, show_order),
    Axis("Sampler", change=field("sampler"), show=show_plain, choices=list_samplers, tab="txt2img"),
    Axis(
        "Hires sampler",
        change=part("hires", "sampler"),
        choices=list_samplers,
        tab="txt2img",
        needs="hires",
    ),
    Axis("Sampler", change=field("sampler"), show=show_plain, choices=list_samplers, tab="img2img"),
    Axis(
        "Checkpoint name",
        change=field("model"),
        show=show_file,
        cost=1.0,
        choices=list_checkpoints,
        look_up=look_up_checkpoint,
    ),
    number("Negative Guidance minimum sigma", option("s_min_uncond")),
    number("Sigma Churn", option("s_churn")),
    number("Sigma min", option("s_tmin")),
    number("Sigma max", option("s_tmax")),
    number("Sigma noise", option("s_noise")),
    Axis("Schedule type", change=field("schedule"), choices=list_schedules),
    number("Schedule min sigma", option("sigma_min")),
    number("Schedule max sigma", option("sigma_max")),
    number("Schedule rho", option("rho")),
    number("Beta schedule alpha", option("beta_dist_alpha")),
    number("Beta schedule beta", option("beta_dist_beta")),
    number("Eta", option("eta_ancestral", "eta_ddim")),
    whole("Clip skip", option("clip_skip")),
    number("Denoising", field("denoising_strength")),
    number("Initial noise multiplier", option("initial_noise_multiplier")),
    number("Extra noise", option("img2img_extra_noise")),
    Axis(
        "Hires upscaler",
        change=part("hires", "upscaler"),
        choices=list_upscalers,
        look_up=look_up_upscaler,
        tab="txt2img",
        needs="hires",
    ),
    number("Cond. Image Mask Weight", option("inpainting_mask_weight"), tab="img2img"),
    Axis("VAE", change=choose_vae, cost=0.7, choices=list_vaes, look_up=look_up_vae),
    Axis("Styles", choices=lambda offered: offered.styles()),
    whole("UniPC Order", cap_unipc_order, cost=0.5),
    Axis("Face restore", change=choose_restorer, show=show_plain),
    number("Token merging ratio", option("token_merging_ratio")),
    number("Token merging ratio high-res", option("token_merging_ratio_hr"), needs="hires"),
    Axis(
        "Always discard next-to-last sigma",
        change=switch("always_discard_next_to_last_sigma"),
        choices=BOTH_WAYS,
    ),
    Axis("SGM noise multiplier", change=switch("sgm_noise_multiplier"), choices=BOTH_WAYS),
    Axis(
        "Refiner checkpoint",
        change=choose_refiner,
        show=show_file,
        cost=1.0,
        choices=list_refiners,
        look_up=look_up_refiner,
    ),
    number("Refiner switch at", part("refiner", "switch_at"), needs="refiner"),
    Axis("RNG source", change=option("randn_source"), choices=words("GPU", "CPU", "NV")),
    Axis("FP8 mode", cost=0.9, choices=words("Disable", "Enable for SDXL", "Enable"), missing=NO_FP8),
    Axis("Size", change=choose_size),
)


def list_axes(tab: str, context: Context) -> list[Axis]:
    """The axes of a tab: A1111's, then those of extensions' parts, then those that extensions add."""
    own = [with_styles(axis, context) for axis in AXES if axis.tab in ("", tab)]
    own += list_part_axes(tab, context.plugins.parts)
    return own + list_added_axes(tab, context.plugins, (axis.label for axis in own))


def find_axis(name: str, tab: str, context: Context) -> Axis:
    """An axis by its label, or by its place among those of the tab. Raises InvalidRequest."""
    axes = list_axes(tab, context)
    wanted = name.strip()
    if wanted.isdecimal():
        found = axes[int(wanted)] if int(wanted) < len(axes) else None
    else:
        found = next((axis for axis in axes if axis.label.lower() == wanted.lower()), None)
    if found is None:
        raise InvalidRequest(
            f"There is no axis {name!r} in {tab}. Those here are: {', '.join(axis.label for axis in axes)}."
        )
    if found.missing:
        raise InvalidRequest(f"The axis {found.label!r} is not offered: {found.missing}. Choose another.")
    return found


def with_styles(axis: Axis, context: Context) -> Axis:
    """The axis "Styles" with the presets as they are now; other axes as they are."""
    if axis.label != "Styles":
        return axis
    styles = context.styles()

    def add(request: GenerationRequest, value: str, values: Sequence[Any]) -> GenerationRequest:
        names = [name.strip() for name in value.split(",")]
        if sentence := styles.describe_unknown(names):
            raise InvalidRequest(f"Styles: {sentence}")
        return change(
            request,
            prompt=styles.apply(request.prompt, names),
            negative_prompt=styles.apply_negative(request.negative_prompt, names),
        )

    return Axis(axis.label, axis.kind, add, choices=axis.choices)
