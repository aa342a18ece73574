"""The bodies of A1111's API as pydantic models that can be read in the spelling of pydantic 1 too."""

import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PydanticDeprecatedSince20, create_model


class OldConfig:
    """What pydantic 1 keeps in `__config__`: extensions derive their Config from it."""

    extra = "ignore"
    arbitrary_types_allowed = True


class ApiModel(BaseModel):
    """Base of all bodies and answers; `__config__`, `.dict()` and `__fields__` are as in pydantic 1."""

    model_config = ConfigDict(protected_namespaces=(), arbitrary_types_allowed=True, populate_by_name=True)
    __config__ = OldConfig

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - pydantic's
        """Extensions' `class Config` is read without a warning each."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PydanticDeprecatedSince20)
            super().__init_subclass__(**kwargs)


Fields = Mapping[str, tuple[Any, Any]]
COMMON: Fields = MappingProxyType(
    {
        "prompt": (str, ""),
        "negative_prompt": (str, ""),
        "styles": (list[str] | None, None),
        "seed": (int, -1),
        "subseed": (int, -1),
        "subseed_strength": (float, 0),
        "seed_resize_from_h": (int, -1),
        "seed_resize_from_w": (int, -1),
        "sampler_name": (str | None, None),
        "scheduler": (str | None, None),
        "batch_size": (int, 1),
        "n_iter": (int, 1),
        "steps": (int, 50),
        "cfg_scale": (float, 7.0),
        "width": (int, 512),
        "height": (int, 512),
        "restore_faces": (bool | None, None),
        "tiling": (bool | None, None),
        "do_not_save_samples": (bool, False),
        "do_not_save_grid": (bool, False),
        "eta": (float | None, None),
        "denoising_strength": (float | None, None),
        "s_min_uncond": (float | None, None),
        "s_churn": (float | None, None),
        "s_tmax": (float | None, None),
        "s_tmin": (float | None, None),
        "s_noise": (float | None, None),
        "override_settings": (dict[str, Any] | None, None),
        "override_settings_restore_afterwards": (bool, True),
        "refiner_checkpoint": (str | None, None),
        "refiner_switch_at": (float | None, None),
        "disable_extra_networks": (bool, False),
        "firstpass_image": (str | None, None),
        "comments": (dict[str, Any] | None, None),
    }
)
TXT2IMG: Fields = MappingProxyType(
    {
        "enable_hr": (bool, False),
        "firstphase_width": (int, 0),
        "firstphase_height": (int, 0),
        "hr_scale": (float, 2.0),
        "hr_upscaler": (str | None, None),
        "hr_second_pass_steps": (int, 0),
        "hr_resize_x": (int, 0),
        "hr_resize_y": (int, 0),
        "hr_checkpoint_name": (str | None, None),
        "hr_sampler_name": (str | None, None),
        "hr_scheduler": (str | None, None),
        "hr_prompt": (str, ""),
        "hr_negative_prompt": (str, ""),
    }
)
IMG2IMG: Fields = MappingProxyType(
    {
        "init_images": (list[Any] | None, None),
        "resize_mode": (int, 0),
        "denoising_strength": (float, 0.75),
        "image_cfg_scale": (float | None, None),
        "mask": (str | None, None),
        "mask_blur_x": (int, 4),
        "mask_blur_y": (int, 4),
        "mask_blur": (int | None, None),
        "mask_round": (bool, True),
        "inpainting_fill": (int, 0),
        "inpaint_full_res": (bool, True),
        "inpaint_full_res_padding": (int, 0),
        "inpainting_mask_invert": (int, 0),
        "initial_noise_multiplier": (float | None, None),
        "latent_mask": (str | None, None),
    }
)
REST: Fields = MappingProxyType(
    {
        "force_task_id": (str | None, None),
        "sampler_index": (str, "Euler"),
        "include_init_images": (bool, False),
        "script_name": (str | None, None),
        "script_args": (list[Any], []),
        "send_images": (bool, True),
        "save_images": (bool, False),
        "alwayson_scripts": (dict[str, Any], {}),
        "infotext": (str | None, None),
    }
)
EXTRAS: Fields = MappingProxyType(
    {
        "resize_mode": (Literal[0, 1], 0),
        "show_extras_results": (bool, True),
        "gfpgan_visibility": (float, Field(default=0, ge=0, le=1)),
        "codeformer_visibility": (float, Field(default=0, ge=0, le=1)),
        "codeformer_weight": (float, Field(default=0, ge=0, le=1)),
        "upscaling_resize": (float, Field(default=2, gt=0)),
        "upscaling_resize_w": (int, Field(default=512, ge=1)),
        "upscaling_resize_h": (int, Field(default=512, ge=1)),
        "upscaling_crop": (bool, True),
        "upscaler_1": (str, "None"),
        "upscaler_2": (str, "None"),
        "extras_upscaler_2_visibility": (float, Field(default=0, ge=0, le=1)),
        "upscale_first": (bool, False),
    }
)
TEXT = (str | None, None)
NUMBER = (float | None, None)
# Bodies and answers besides the two above, by A1111's names.
OTHERS: Mapping[str, Fields] = MappingProxyType(
    {
        "TextToImageResponse": {
            "images": (list[str] | None, None),
            "parameters": (dict[str, Any], ...),
            "info": (str, ...),
        },
        "ImageToImageResponse": {
            "images": (list[str] | None, None),
            "parameters": (dict[str, Any], ...),
            "info": (str, ...),
        },
        "ExtrasBaseRequest": EXTRAS,
        "ExtraBaseResponse": {"html_info": (str, ...)},
        "ExtrasSingleImageRequest": {**EXTRAS, "image": (str, "")},
        "ExtrasSingleImageResponse": {"html_info": (str, ...), "image": TEXT},
        "FileData": {"data": (str, ...), "name": (str, ...)},
        "ExtrasBatchImagesResponse": {"html_info": (str, ...), "images": (list[str], ...)},
        "PNGInfoRequest": {"image": (str, ...)},
        "PNGInfoResponse": {
            "info": (str, ...),
            "items": (dict[str, Any], ...),
            "parameters": (dict[str, Any], ...),
        },
        "ProgressRequest": {"skip_current_image": (bool, False)},
        "ProgressResponse": {
            "progress": (float, ...),
            "eta_relative": (float, ...),
            "state": (dict[str, Any], ...),
            "current_image": TEXT,
            "textinfo": TEXT,
        },
        "InterrogateRequest": {"image": (str, ""), "model": (str, "clip")},
        "InterrogateResponse": {"caption": TEXT},
        "TrainResponse": {"info": (str, ...)},
        "CreateResponse": {"info": (str, ...)},
        "SamplerItem": {"name": (str, ...), "aliases": (list[str], ...), "options": (dict[str, Any], ...)},
        "SchedulerItem": {
            "name": (str, ...),
            "label": (str, ...),
            "aliases": (list[str] | None, None),
            "default_rho": NUMBER,
            "need_inner_model": (bool | None, None),
        },
        "UpscalerItem": {
            "name": (str, ...),
            "model_name": TEXT,
            "model_path": TEXT,
            "model_url": TEXT,
            "scale": NUMBER,
        },
        "LatentUpscalerModeItem": {"name": (str, ...)},
        "SDModelItem": {
            "title": (str, ...),
            "model_name": (str, ...),
            "hash": TEXT,
            "sha256": TEXT,
            "filename": (str, ...),
            "config": TEXT,
        },
        "SDVaeItem": {"model_name": (str, ...), "filename": (str, ...)},
        "HypernetworkItem": {"name": (str, ...), "path": TEXT},
        "FaceRestorerItem": {"name": (str, ...), "cmd_dir": TEXT},
        "RealesrganItem": {"name": (str, ...), "path": TEXT, "scale": (int | None, None)},
        "PromptStyleItem": {"name": (str, ...), "prompt": TEXT, "negative_prompt": TEXT},
        "EmbeddingItem": {
            "step": (int | None, None),
            "sd_checkpoint": TEXT,
            "sd_checkpoint_name": TEXT,
            "shape": (int, ...),
            "vectors": (int, ...),
        },
        "MemoryResponse": {"ram": (dict[str, Any], ...), "cuda": (dict[str, Any], ...)},
        "ScriptsList": {"txt2img": (list[Any] | None, None), "img2img": (list[Any] | None, None)},
        "ScriptArg": {
            "label": TEXT,
            "value": (Any, None),
            "minimum": (Any, None),
            "maximum": (Any, None),
            "step": (Any, None),
            "choices": (Any, None),
        },
        "ExtensionItem": {
            "name": (str, ...),
            "remote": (str, ...),
            "branch": (str, ...),
            "commit_hash": (str, ...),
            "version": (str, ...),
            "commit_date": (str, ...),
            "enabled": (bool, ...),
        },
    }
)


def make_model(name: str, fields: Fields, base: type[BaseModel] = ApiModel) -> type[BaseModel]:
    """A model of a name; `fields` are types and defaults (`...`: none)."""
    return create_model(name, __base__=base, __module__="modules.api.models", **dict(fields))  # pyright: ignore[reportCallIssue, reportArgumentType] - pydantic's own spelling


def make_models() -> dict[str, type[BaseModel]]:
    """Every model by A1111's name for it."""
    models = {name: make_model(name, fields) for name, fields in OTHERS.items()}
    models["StableDiffusionTxt2ImgProcessingAPI"] = make_model(
        "StableDiffusionProcessingTxt2Img", {**COMMON, **TXT2IMG, **REST}
    )
    models["StableDiffusionImg2ImgProcessingAPI"] = make_model(
        "StableDiffusionProcessingImg2Img", {**COMMON, **IMG2IMG, **REST}
    )
    file, embedding, argument = (models[name] for name in ("FileData", "EmbeddingItem", "ScriptArg"))
    models["ExtrasBatchImagesRequest"] = make_model(
        "ExtrasBatchImagesRequest", {**EXTRAS, "imageList": (list[file], ...)}
    )
    models["ExtrasBatchImagesResponse"] = make_model(
        "ExtrasBatchImagesResponse", OTHERS["ExtrasBatchImagesResponse"]
    )
    table = dict[str, embedding]
    models["EmbeddingsResponse"] = make_model(
        "EmbeddingsResponse", {"loaded": (table, ...), "skipped": (table, ...)}
    )
    models["ScriptInfo"] = make_model(
        "ScriptInfo",
        {
            "name": TEXT,
            "is_alwayson": (bool | None, None),
            "is_img2img": (bool | None, None),
            "args": (list[argument], ...),
        },
    )
    return models
