"""The options that decide a picture besides the fields of the form.

They stand once: as a section of the settings, and, copied when a request is made, inside the request.
Field names are A1111's option keys (`alias` where A1111's is no Python name); `infotext` is the key under
which a value other than `A1111_DEFAULTS` is written into a picture.
"""

from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

# A number keeps the form it was given in (20 or 20.0), because infotext shows it so.
Number = int | float


def option(default: Any, description: str, *, infotext: str | None = None, **rules: Any) -> Any:  # noqa: ANN401 - as pydantic.Field
    """A field with the sentence shown beside it and its key in infotext."""
    return Field(default, description=description, json_schema_extra={"infotext": infotext}, **rules)


class ImageOptions(BaseModel):
    """Options that matter to the picture; frozen, compared and hashed as a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    clip_skip: int = option(
        1,
        "Stop at this many layers before the end of the text encoder. 1 uses them all.",
        infotext="Clip skip",
        alias="CLIP_stop_at_last_layers",
        ge=1,
        le=12,
        title="Clip skip",
    )
    randn_source: Literal["NV", "CPU", "GPU"] = option(
        "NV",
        "Where noise comes from. NV gives every machine an NVIDIA card's noise; GPU is the device's own; "
        "CPU is the processor's.",
        infotext="RNG",
        title="Random number source",
    )
    eta_noise_seed_delta: int = option(
        0,
        "Added to the seed for all noise but the first. 31337 repeats NovelAI's pictures.",
        infotext="ENSD",
        title="Eta noise seed delta",
        ge=0,
        le=2**63 - 1,
    )
    emphasis: Literal["None", "Ignore", "Original", "No norm"] = option(
        "Original",
        "How (word:1.2) weighs a word. No norm lets the mean change, which suits SDXL at high weights.",
        infotext="Emphasis",
        title="Emphasis mode",
    )
    comma_padding_backtrack: int = option(
        20,
        "When a prompt runs past 75 tokens, break at a comma at most this many tokens from the end.",
        title="Prompt word wrap length",
        ge=0,
        le=74,
    )
    sdxl_clip_l_skip: bool = option(
        False, "Apply clip skip to SDXL's first text encoder too.", title="Clip skip SDXL"
    )
    sdxl_crop_top: int = option(
        0, "SDXL: top of the crop the picture pretends to be, pixels.", title="Crop top", ge=0
    )
    sdxl_crop_left: int = option(
        0, "SDXL: left edge of the crop the picture pretends to be, pixels.", title="Crop left", ge=0
    )
    sdxl_refiner_low_aesthetic_score: Number = option(
        2.5, "SDXL refiner: aesthetic score of the negative prompt.", title="Refiner low aesthetic score"
    )
    sdxl_refiner_high_aesthetic_score: Number = option(
        6.0, "SDXL refiner: aesthetic score of the prompt.", title="Refiner high aesthetic score"
    )
    s_min_uncond: Number = option(
        0.0,
        "Below this sigma, leave out the negative prompt in every second step: faster. 0 is off.",
        infotext="NGMS",
        title="Negative guidance minimum sigma",
        ge=0,
    )
    s_min_uncond_all: bool = option(
        False,
        "Leave the negative prompt out in all such steps, not every second one.",
        infotext="NGMS all steps",
        title="Negative guidance minimum sigma in all steps",
    )
    skip_early_cond: Number = option(
        0.0,
        "Leave out the negative prompt for this share of the steps at the beginning.",
        infotext="Skip Early CFG",
        title="Ignore negative prompt during early sampling",
        ge=0,
        le=1,
    )
    token_merging_ratio: Number = option(
        0.0,
        "Merge this share of similar image tokens before attention: faster, with less detail.",
        infotext="Token merging ratio",
        title="Token merging ratio",
        ge=0,
        le=0.9,
    )
    token_merging_ratio_img2img: Number = option(
        0.0,
        "The same for img2img; 0 takes the one above.",
        title="Token merging ratio for img2img",
        ge=0,
        le=0.9,
    )
    token_merging_ratio_hr: Number = option(
        0.0,
        "The same for the second pass of hires fix; 0 takes the first one.",
        infotext="Token merging ratio hr",
        title="Token merging ratio for hires fix",
        ge=0,
        le=0.9,
    )
    hypertile_enable_unet: bool = option(
        False,
        "Self-attention within tiles of the picture: faster for large pictures, another picture.",
        infotext="Hypertile U-Net",
        title="Enable Hypertile U-Net",
    )
    hypertile_enable_unet_secondpass: bool = option(
        False,
        "The same, in the second pass of hires fix alone.",
        infotext="Hypertile U-Net second pass",
        title="Enable Hypertile U-Net for hires fix second pass",
    )
    hypertile_max_depth_unet: int = option(
        3,
        "How deep in the network: 0 is its finest level alone.",
        infotext="Hypertile U-Net max depth",
        title="Hypertile U-Net max depth",
        ge=0,
        le=3,
    )
    hypertile_max_tile_unet: int = option(
        256,
        "Greatest side of a tile in pixels; below 128 is as 128.",
        infotext="Hypertile U-Net max tile size",
        title="Hypertile U-Net max tile size",
        ge=0,
        le=512,
    )
    hypertile_swap_size_unet: int = option(
        3,
        "How many sizes of tiles are changed between.",
        infotext="Hypertile U-Net swap size",
        title="Hypertile U-Net swap size",
        ge=0,
        le=64,
    )
    hypertile_enable_vae: bool = option(
        False,
        "Attention of the VAE's decoder within tiles too.",
        infotext="Hypertile VAE",
        title="Enable Hypertile VAE",
    )
    hypertile_max_depth_vae: int = option(
        3,
        "As for the U-Net. The VAE has attention at one level, so every depth is the same.",
        infotext="Hypertile VAE max depth",
        title="Hypertile VAE max depth",
        ge=0,
        le=3,
    )
    hypertile_max_tile_vae: int = option(
        128,
        "As for the U-Net.",
        infotext="Hypertile VAE max tile size",
        title="Hypertile VAE max tile size",
        ge=0,
        le=512,
    )
    hypertile_swap_size_vae: int = option(
        3,
        "As for the U-Net.",
        infotext="Hypertile VAE swap size",
        title="Hypertile VAE swap size",
        ge=0,
        le=64,
    )
    pad_cond_uncond: bool = option(
        False,
        "Pad the shorter of prompt and negative prompt: one batch, faster, another picture.",
        infotext="Pad conds",
        title="Pad prompt and negative prompt",
    )
    pad_cond_uncond_v0: bool = option(
        False,
        "Pad as version 1.5 did for DDIM and PLMS.",
        infotext="Pad conds v0",
        title="Pad prompt and negative prompt (v0)",
    )
    use_old_emphasis_implementation: bool = option(
        False, "Weigh words as the first versions did.", title="Old emphasis"
    )
    use_old_scheduling: bool = option(
        False,
        "Prompt editing counts the steps of the hires pass as versions before 1.6 did.",
        infotext="Old prompt editing timelines",
        title="Old prompt editing timelines",
    )
    use_old_karras_scheduler_sigmas: bool = option(
        False,
        "Karras schedule from 0.1 to 10, as the first versions did.",
        title="Old Karras schedule sigmas",
    )
    no_dpmpp_sde_batch_determinism: bool = option(
        False,
        "DPM++ SDE draws noise for the whole batch at once, so that a picture depends on its batch.",
        title="No DPM++ SDE batch determinism",
    )
    use_downcasted_alpha_bar: bool = option(
        False,
        "Round alphas_cumprod to half precision, as versions before 1.8 did.",
        infotext="Downcast alphas_cumprod",
        title="Downcast alphas_cumprod",
    )
    sd_noise_schedule: Literal["Default", "Zero Terminal SNR"] = option(
        "Default",
        "Zero Terminal SNR is for models trained with it, mostly v-prediction ones: true blacks and whites.",
        infotext="Noise Schedule",
        title="Noise schedule",
    )
    enable_quantization: bool = option(
        False,
        "Round sigmas to those the model was trained on: sharper with few steps.",
        title="Quantize sigmas",
    )
    eta_ddim: Number = option(
        0.0, "Noise added by DDIM in each step.", infotext="Eta DDIM", title="Eta for DDIM", ge=0, le=1
    )
    eta_ancestral: Number = option(
        1.0, "Noise added by ancestral samplers in each step.", infotext="Eta", title="Eta", ge=0, le=1
    )
    ddim_discretize: Literal["uniform", "quad"] = option(
        "uniform", "How DDIM spreads its steps in img2img.", title="DDIM discretize"
    )
    s_churn: Number = option(
        0.0, "Noise stirred in by Euler, Heun and DPM2.", infotext="Sigma churn", ge=0, le=100
    )
    s_tmin: Number = option(0.0, "Stir only above this sigma.", infotext="Sigma tmin", ge=0, le=10)
    s_tmax: Number = option(
        0.0, "Stir only below this sigma; 0 is no limit.", infotext="Sigma tmax", ge=0, le=999
    )
    s_noise: Number = option(1.0, "Strength of the noise stirred in.", infotext="Sigma noise", ge=0, le=1.1)
    sigma_min: Number = option(
        0.0, "Lowest sigma of the schedule; 0 takes the model's.", infotext="Schedule min sigma", ge=0
    )
    sigma_max: Number = option(
        0.0, "Highest sigma of the schedule; 0 takes the model's.", infotext="Schedule max sigma", ge=0
    )
    rho: Number = option(
        0.0,
        "Bend of the Karras and Polyexponential schedules; 0 takes the usual.",
        infotext="Schedule rho",
        ge=0,
    )
    beta_dist_alpha: Number = option(
        0.6,
        "Alpha of the Beta schedule.",
        infotext="Beta schedule alpha",
        title="Beta schedule alpha",
        gt=0,
        le=10,
    )
    beta_dist_beta: Number = option(
        0.6,
        "Beta of the Beta schedule.",
        infotext="Beta schedule beta",
        title="Beta schedule beta",
        gt=0,
        le=10,
    )
    always_discard_next_to_last_sigma: bool = option(
        False,
        "Leave out the last sigma but one with every sampler.",
        infotext="Discard penultimate sigma",
        title="Discard penultimate sigma",
    )
    sgm_noise_multiplier: bool = option(
        False,
        "Scale the first noise as the reference code of SDXL does.",
        infotext="SGM noise multiplier",
        title="SGM noise multiplier",
    )
    uni_pc_variant: Literal["bh1", "bh2", "vary_coeff"] = option(
        "bh1", "Form of UniPC's corrector.", infotext="UniPC variant", title="UniPC variant"
    )
    uni_pc_skip_type: Literal["time_uniform", "time_quadratic", "logSNR"] = option(
        "time_uniform", "How UniPC spreads its steps.", infotext="UniPC skip type", title="UniPC skip type"
    )
    uni_pc_order: int = option(3, "Order of UniPC.", infotext="UniPC order", title="UniPC order", ge=1, le=50)
    uni_pc_lower_order_final: bool = option(
        True,
        "Lower the order in UniPC's last steps.",
        infotext="UniPC lower order final",
        title="UniPC lower order final",
    )
    inpainting_mask_weight: Number = option(
        1.0,
        "Inpainting checkpoints: how much of the masked area is hidden from the model.",
        infotext="Conditional mask weight",
        title="Inpainting conditioning mask strength",
        ge=0,
        le=1,
    )
    initial_noise_multiplier: Number = option(
        1.0,
        "img2img: multiplies the noise put on the picture.",
        infotext="Noise multiplier",
        title="Noise multiplier for img2img",
        ge=0,
        le=1.5,
    )
    img2img_extra_noise: Number = option(
        0.0,
        "img2img and hires fix: noise added once more, for more detail.",
        infotext="Extra noise",
        title="Extra noise for img2img and hires fix",
        ge=0,
        le=1,
    )
    img2img_color_correction: bool = option(
        False, "Give the result the colours of the init picture.", title="Colour correction for img2img"
    )
    img2img_fix_steps: bool = option(
        False,
        "img2img: do exactly the steps asked for, not the denoising strength's share of them.",
        title="Exact steps in img2img",
    )
    img2img_background_color: str = option(
        "#ffffff",
        "What shows through transparent parts of an init picture.",
        title="Background of transparent pictures",
        pattern=r"^#[0-9a-fA-F]{6}$",
    )
    sd_vae_encode_method: Literal["Full", "TAESD"] = option(
        "Full",
        "img2img: how pictures become latents. TAESD is quick and less exact.",
        infotext="VAE Encoder",
        title="VAE type for encode",
    )
    sd_vae_decode_method: Literal["Full", "TAESD"] = option(
        "Full",
        "How latents become pictures. TAESD is quick and less exact; put its file into models/VAE-approx.",
        infotext="VAE Decoder",
        title="VAE type for decode",
    )
    vae_encoder_tile: int = option(
        0,
        "img2img: side of the tiles in which pictures become latents, pixels; at least 128. Smaller tiles "
        "take less memory. 0 uses tiles only where the memory is too small.",
        infotext="VAE encoder tile",
        title="Tile size of VAE for encode",
        ge=0,
        le=4096,
    )
    vae_decoder_tile: int = option(
        0,
        "Side of the tiles in which latents become pictures, pixels; at least 128. As above.",
        infotext="VAE decoder tile",
        title="Tile size of VAE for decode",
        ge=0,
        le=4096,
    )
    upscaler_for_img2img: str = option(
        "None", "How init pictures are enlarged; None is Lanczos.", title="Upscaler for img2img"
    )
    overlay_inpaint: bool = option(
        True,
        "Inpainting: put the original back, at full quality, where nothing is masked.",
        title="Overlay the original when inpainting",
    )
    hires_fix_refiner_pass: Literal["first pass", "second pass", "both passes"] = option(
        "second pass",
        "Hires fix: where the refiner works.",
        infotext="Hires refiner",
        title="Hires fix: refiner",
    )
    refiner_switch_by_sample_steps: bool = option(
        False,
        "Switch to the refiner by steps done, not by the noise that is left.",
        infotext="Refiner switch by sampling steps",
        title="Switch refiner by steps",
    )
    face_restoration_model: str = option(
        "CodeFormer", "What restores faces.", infotext="Face restoration", title="Face restoration model"
    )
    code_former_weight: Number = option(
        0.5,
        "CodeFormer: 0 changes most, 1 keeps most of the face.",
        title="CodeFormer weight",
        ge=0,
        le=1,
    )
    ESRGAN_tile: int = option(
        192,
        "Upscalers: side of a tile in pixels; 0 is no tiles.",
        title="Tile size of upscalers",
        ge=0,
        le=2048,
    )
    ESRGAN_tile_overlap: int = option(
        8, "Upscalers: overlap of tiles in pixels.", title="Tile overlap of upscalers", ge=0, le=256
    )


# What A1111 assumes where its infotext says nothing. Ours differs from it in one place on purpose (NV noise).
A1111_DEFAULTS = ImageOptions(randn_source="GPU")


def option_key(name: str) -> str:
    """A1111's option key of a field of ImageOptions."""
    return ImageOptions.model_fields[name].alias or name


def infotext_key(name: str) -> str | None:
    """The key under which infotext holds a field of ImageOptions, or None if A1111 does not write it."""
    # `option` gave every field such a dict; pydantic types it as "any JSON, or a function".
    extra = cast(dict[str, str | None], ImageOptions.model_fields[name].json_schema_extra)
    return extra["infotext"]


OPTION_FIELDS = {option_key(name): name for name in ImageOptions.model_fields}
INFOTEXT_FIELDS = {key: name for name in ImageOptions.model_fields if (key := infotext_key(name))}
