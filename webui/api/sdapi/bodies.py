"""What A1111's clients send, with A1111's names and defaults."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from webui.api.sdapi.lenient import LenientBody, Whole, truncate

Share = Annotated[float, Field(ge=0, le=1)]


class GenerationBody(LenientBody):
    """What txt2img and img2img have in common."""

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] | None = None
    seed: Whole = -1
    subseed: Whole = -1
    subseed_strength: float = 0
    seed_resize_from_h: Whole = -1
    seed_resize_from_w: Whole = -1
    sampler_name: str | None = None
    scheduler: str | None = None
    batch_size: Whole = 1
    n_iter: Whole = 1
    steps: Whole = 50
    cfg_scale: float = 7.0
    width: Whole = 512
    height: Whole = 512
    restore_faces: bool | None = None
    tiling: bool | None = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    eta: float | None = None
    denoising_strength: float | None = None
    s_min_uncond: float | None = None
    s_churn: float | None = None
    s_tmax: float | None = None
    s_tmin: float | None = None
    s_noise: float | None = None
    override_settings: dict[str, Any] | None = None
    override_settings_restore_afterwards: bool = True
    disable_extra_networks: bool = False
    refiner_checkpoint: str | None = None
    refiner_switch_at: float | None = None
    comments: dict[str, Any] | None = None
    firstpass_image: str | None = None
    script_name: str | None = None
    script_args: list[Any] = Field(default=[])
    alwayson_scripts: dict[str, Any] = Field(default={})
    force_task_id: str | None = None
    sampler_index: str | None = "Euler"
    send_images: bool = True
    save_images: bool = False
    infotext: str | None = None


class Txt2ImgBody(GenerationBody):
    """POST /sdapi/v1/txt2img."""

    enable_hr: bool = False
    firstphase_width: Whole = 0
    firstphase_height: Whole = 0
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    hr_second_pass_steps: Whole = 0
    hr_resize_x: Whole = 0
    hr_resize_y: Whole = 0
    hr_checkpoint_name: str | None = None
    hr_sampler_name: str | None = None
    hr_scheduler: str | None = None
    hr_prompt: str = ""
    hr_negative_prompt: str = ""


class Img2ImgBody(GenerationBody):
    """POST /sdapi/v1/img2img. Pictures are base64, with or without a data URL's head."""

    init_images: list[str] | None = None
    resize_mode: Whole = 0
    denoising_strength: float | None = 0.75
    image_cfg_scale: float | None = None
    mask: str | None = None
    mask_blur_x: Whole = 4
    mask_blur_y: Whole = 4
    mask_blur: Whole | None = None
    mask_round: bool = True
    inpainting_fill: Whole = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: Whole = 0
    inpainting_mask_invert: Whole = 0
    initial_noise_multiplier: float | None = None
    latent_mask: str | None = None
    include_init_images: bool = False


class ExtrasBody(LenientBody):
    """What both routes take. `upscale_first` changes nothing, as in A1111 1.10: upscalers come first."""

    resize_mode: Annotated[Literal[0, 1], BeforeValidator(truncate)] = 0
    show_extras_results: bool = True
    gfpgan_visibility: Share = 0
    codeformer_visibility: Share = 0
    codeformer_weight: Share = 0
    upscaling_resize: Annotated[float, Field(gt=0)] = 2
    upscaling_resize_w: Annotated[Whole, Field(ge=1)] = 512
    upscaling_resize_h: Annotated[Whole, Field(ge=1)] = 512
    upscaling_crop: bool = True
    upscaler_1: str = "None"
    upscaler_2: str = "None"
    extras_upscaler_2_visibility: Share = 0
    upscale_first: bool = False


class SingleBody(ExtrasBody):
    """POST /sdapi/v1/extra-single-image: a picture in base64."""

    image: str = ""


class FileData(LenientBody):
    """A picture in base64 and its file's name."""

    data: str
    name: str


class BatchBody(ExtrasBody):
    """POST /sdapi/v1/extra-batch-images."""

    imageList: list[FileData]  # noqa: N815 - A1111's name


class PngInfoBody(LenientBody):
    """POST /sdapi/v1/png-info: a picture in base64, with or without a data URL's head."""

    image: str


class InterrogateBody(LenientBody):
    """POST /sdapi/v1/interrogate."""

    image: str = ""
    model: str = "clip"
