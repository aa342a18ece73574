"""What A1111's clients send and get, with A1111's names and defaults."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Txt2ImgBody(BaseModel):
    """POST /sdapi/v1/txt2img. Fields unknown to A1111 are ignored, as there."""

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
    enable_hr: bool = False
    refiner_checkpoint: str | None = None
    script_name: str | None = None
    alwayson_scripts: dict[str, Any] = Field(default_factory=dict)
    force_task_id: str | None = None
    sampler_index: str | None = "Euler"
    send_images: bool = True
    save_images: bool = False
    infotext: str | None = None


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
