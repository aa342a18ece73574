"""What A1111's clients send and get, with A1111's names and defaults."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class GenerationBody(BaseModel):
    """What txt2img and img2img have in common. Fields unknown to A1111 are ignored, as there."""

    model_config = ConfigDict(extra="ignore")

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] | None = None
    seed: int = -1
    subseed: int = -1
    subseed_strength: float = 0
    seed_resize_from_h: int = -1
    seed_resize_from_w: int = -1
    sampler_name: str | None = None
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
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
    script_name: str | None = None
    script_args: list[Any] = Field(default_factory=list[Any])
    alwayson_scripts: dict[str, Any] = Field(default_factory=dict)
    force_task_id: str | None = None
    sampler_index: str | None = "Euler"
    send_images: bool = True
    save_images: bool = False
    infotext: str | None = None


class Txt2ImgBody(GenerationBody):
    """POST /sdapi/v1/txt2img."""

    enable_hr: bool = False
    firstphase_width: int = 0
    firstphase_height: int = 0
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str | None = None
    hr_sampler_name: str | None = None
    hr_scheduler: str | None = None
    hr_prompt: str = ""
    hr_negative_prompt: str = ""
    firstpass_image: str | None = None


class Img2ImgBody(GenerationBody):
    """POST /sdapi/v1/img2img. Pictures are base64, with or without a data URL's head."""

    init_images: list[str] | None = None
    resize_mode: int = 0
    denoising_strength: float | None = 0.75
    mask: str | None = None
    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_blur: int | None = None
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    initial_noise_multiplier: float | None = None
    include_init_images: bool = False


class ImagesAnswer(BaseModel):
    """Pictures in base64, what was asked, and A1111's `info`: JSON in a string."""

    images: list[str]
    parameters: dict[str, Any]
    info: str


class PngInfoBody(BaseModel):
    """POST /sdapi/v1/png-info: a picture in base64, with or without a data URL's head."""

    image: str


class PngInfoAnswer(BaseModel):
    """The infotext, everything else found in the picture, and the infotext taken apart."""

    info: str
    items: dict[str, Any]
    parameters: dict[str, Any]


class ProgressAnswer(BaseModel):
    """GET /sdapi/v1/progress."""

    progress: float
    eta_relative: float
    state: dict[str, Any]
    current_image: str | None = None
    textinfo: str | None = None
