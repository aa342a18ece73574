"""A1111's result of a run: its pictures and what each was made from."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from webui.compat.a1111.running.reaching import site, site_function

# Attributes taken over from the processing object.
TAKEN = (
    "prompt", "negative_prompt", "seed", "subseed", "subseed_strength", "width", "height", "sampler_name",
    "cfg_scale", "batch_size", "restore_faces", "denoising_strength", "extra_generation_params", "eta",
    "clip_skip", "steps", "seed_resize_from_w", "seed_resize_from_h", "s_churn", "s_tmin", "s_tmax",
    "s_noise", "s_min_uncond", "styles", "token_merging_ratio", "token_merging_ratio_hr",
    "image_cfg_scale", "n_iter", "ddim_discretize", "sampler_noise_scheduler_override",
)  # fmt: skip
# What `js` writes, as pages of A1111 read it.
WRITTEN = (
    "prompt", "all_prompts", "negative_prompt", "all_negative_prompts", "seed", "all_seeds", "subseed",
    "all_subseeds", "subseed_strength", "width", "height", "sampler_name", "cfg_scale", "steps",
    "batch_size", "restore_faces", "face_restoration_model", "sd_model_name", "sd_model_hash",
    "sd_vae_name", "sd_vae_hash", "seed_resize_from_w", "seed_resize_from_h", "denoising_strength",
    "extra_generation_params", "index_of_first_image", "infotexts", "styles", "job_timestamp",
    "clip_skip", "is_using_inpainting_conditioning", "version",
)  # fmt: skip


class Processed:
    """Pictures (a grid may stand before them: then `index_of_first_image` is 1) and their infotexts."""

    def __init__(  # noqa: PLR0913, PLR0917 - A1111's
        self,
        p: Any,  # noqa: ANN401 - a processing object
        images_list: Sequence[Image.Image],
        seed: int = -1,
        info: str = "",
        subseed: int | None = None,
        all_prompts: Sequence[str] | None = None,
        all_negative_prompts: Sequence[str] | None = None,
        all_seeds: Sequence[int] | None = None,
        all_subseeds: Sequence[int] | None = None,
        index_of_first_image: int = 0,
        infotexts: Sequence[str] | None = None,
        comments: str = "",
    ) -> None:
        """What is not given is the processing object's."""
        for name in TAKEN:
            setattr(self, name, getattr(p, name, None))
        self.images = list(images_list)
        self.info = info
        self.comments = "".join(f"{each}\n" for each in getattr(p, "comments", {}) or {}) + (comments or "")
        self.index_of_first_image = index_of_first_image
        self.prompt = first_of(self.prompt)
        self.negative_prompt = first_of(self.negative_prompt)
        self.seed = int(first_of(seed if seed != -1 else self.seed) or 0)
        self.subseed = int(first_of(subseed if subseed is not None else self.subseed) or 0)
        self.all_prompts = list(all_prompts or getattr(p, "all_prompts", None) or [self.prompt])
        self.all_negative_prompts = list(
            all_negative_prompts or getattr(p, "all_negative_prompts", None) or [self.negative_prompt]
        )
        self.all_seeds = list(all_seeds or getattr(p, "all_seeds", None) or [self.seed])
        self.all_subseeds = list(all_subseeds or getattr(p, "all_subseeds", None) or [self.subseed])
        self.infotexts = list(infotexts or [info] * len(self.images))
        self.sampler = None
        self.is_using_inpainting_conditioning = bool(getattr(p, "is_using_inpainting_conditioning", False))
        for name in ("sd_model_name", "sd_model_hash", "sd_vae_name", "sd_vae_hash"):
            setattr(self, name, getattr(p, name, None))
        shared = site("shared")
        restorer = getattr(shared.opts, "face_restoration_model", None)
        self.face_restoration_model = restorer if self.restore_faces else None
        self.job_timestamp = shared.state.job_timestamp
        self.version = site("processing").program_version()
        self.extra_images: list[Image.Image] = []
        self.video_path = None

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - those of `TAKEN`
            ...

    def js(self) -> str:
        """All but the pictures, as JSON."""
        return json.dumps({name: getattr(self, name, None) for name in WRITTEN}, default=lambda _: None)

    def infotext(self, p: Any, index: int) -> str:  # noqa: ANN401 - a processing object
        """The infotext of a picture."""
        create = site_function("processing", "create_infotext", None)
        return create(
            p,
            self.all_prompts,
            self.all_seeds,
            self.all_subseeds,
            comments=[],
            position_in_batch=index % max(int(self.batch_size or 1), 1),
            iteration=index // max(int(self.batch_size or 1), 1),
        )

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """The ratio of a pass."""
        return float(
            (getattr(self, "token_merging_ratio_hr", 0) if for_hr else 0)
            or self.__dict__.get("token_merging_ratio")
            or 0
        )


def first_of(value: Any) -> Any:  # noqa: ANN401 - a value, or one for each picture
    """The value, or the first of several."""
    return (value[0] if value else None) if isinstance(value, list | tuple) else value
