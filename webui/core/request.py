"""What is asked for. Equal requests give equal pictures."""

from typing import Annotated, Self

from pydantic import (
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from webui.core.errors import InvalidRequest
from webui.core.image_options import ImageOptions, Number
from webui.core.request_parts import (
    MAX_SIDE,
    MAX_STEPS,
    Frozen,
    HiresFix,
    ImageRef,
    Inpainting,
    Loopback,
    Outpainting,
    Refiner,
    ResizeMode,
)
from webui.core.run_plan import MAX_PROMPT, MAX_SEED, PlannedPicture, RunPlan, Seed
from webui.core.sampling import effective_schedule, find_sampler, find_schedule

# Parts of a pydantic location that users should not see.
HIDDEN_LOC_PARTS = ("options", "int", "float")
Pixels = Annotated[int, Field(ge=8, le=MAX_SIDE, multiple_of=8)]


class GenerationRequest(Frozen):
    """Everything that decides a picture. No other option is read while it is made.

    Picture i of a run has seed `seed + i`, or, when `variation_strength` is not 0, the same seed and
    `variation_seed + i`.
    """

    model: str = Field(default="", description="Checkpoint: title, name or hash. Empty: the selected one.")
    vae: str = Field(
        default="Automatic", description="VAE file, 'Automatic' or 'None' (the one in the checkpoint)."
    )
    prompt: str = Field(default="", max_length=MAX_PROMPT)
    negative_prompt: str = Field(default="", max_length=MAX_PROMPT)
    width: Pixels = 512
    height: Pixels = 512
    sampler: str = "DPM++ 2M"
    schedule: str = "Automatic"
    steps: int = Field(default=20, ge=1, le=MAX_STEPS)
    cfg_scale: Number = Field(default=7.0, ge=0)
    seed: Seed = 0
    variation_seed: Seed = 0
    variation_strength: Number = Field(default=0.0, ge=0, le=1)
    seed_resize_width: int = Field(default=0, ge=0, le=MAX_SIDE)
    seed_resize_height: int = Field(default=0, ge=0, le=MAX_SIDE)
    batch_size: int = Field(default=1, ge=1, le=64)
    batch_count: int = Field(default=1, ge=1, le=1000)
    tiling: bool = False
    init_images: tuple[ImageRef, ...] = Field(
        default=(), max_length=64, description="img2img: one picture, or one for each of the batch."
    )
    resize_mode: ResizeMode = "Just resize"
    denoising_strength: Number = Field(default=0.75, ge=0, le=1, description="Of img2img and hires fix.")
    inpainting: Inpainting | None = None
    outpainting: Outpainting | None = None
    loopback: Loopback | None = None
    hires: HiresFix | None = None
    refiner: Refiner | None = None
    restore_faces: bool = False
    disable_extra_networks: bool = Field(
        default=False, description="Take <lora:...> and <hypernet:...> out of the prompt and apply none."
    )
    options: ImageOptions = ImageOptions()
    extras: dict[str, JsonValue] = Field(
        default={}, description="One entry per plugin, validated by that plugin."
    )
    script: str = Field(
        default="",
        max_length=200,
        description="Title of the script that makes the run.",
    )
    is_seed_random: bool = Field(
        default=False,
        description="The seed was drawn, not given: scripts may draw others. Set by the program.",
    )
    plan: RunPlan | None = Field(
        default=None,
        description="What each picture is made from. Set by the program.",
    )

    @field_validator("sampler")
    @classmethod
    def sampler_is_known(cls, name: str) -> str:
        """Labels and aliases become the label."""
        return find_sampler(name).label

    @field_validator("schedule")
    @classmethod
    def schedule_is_known(cls, name: str) -> str:
        """Labels, names and aliases become the label."""
        return find_schedule(name).label

    @model_validator(mode="after")
    def seeds_do_not_overflow(self) -> Self:
        """The last picture's seed is a seed too."""
        if max(self.seed, self.variation_seed) + self.count - 1 > MAX_SEED:
            raise InvalidRequest(
                f"The seed is too large: the last picture's would pass {MAX_SEED}. Lower it."
            )
        return self

    @model_validator(mode="after")
    def parts_fit_together(self) -> Self:
        """Parts that work on an init picture need one; hires fix begins without."""
        parts = {"inpainting": self.inpainting, "outpainting": self.outpainting, "loopback": self.loopback}
        for name, part in parts.items():
            if part is not None and not self.init_images:
                raise InvalidRequest(f"There is no picture for {name}. Add an init picture.")
        if self.inpainting is not None and self.inpainting.mask is None and self.outpainting is None:
            raise InvalidRequest("Inpainting has no mask. Draw one, or choose plain img2img.")
        if self.hires is not None and self.init_images:
            raise InvalidRequest("Hires fix goes with txt2img only. Switch it off, or use img2img's size.")
        if len(self.init_images) > max(self.batch_size, 1):
            raise InvalidRequest(
                f"There are {len(self.init_images)} init pictures for a batch of {self.batch_size}. "
                "Give one picture, or raise the batch size."
            )
        return self

    @property
    def is_img2img(self) -> bool:
        """Whether it begins with a picture."""
        return bool(self.init_images)

    @property
    def count(self) -> int:
        """Pictures in the whole run."""
        return len(self.plan) if self.plan is not None else self.batch_size * self.batch_count

    @property
    def effective_schedule(self) -> str:
        """The schedule that runs where "Automatic" was chosen."""
        return effective_schedule(self.sampler, self.schedule)

    @property
    def token_merging_ratio(self) -> Number:
        """The ratio of the first pass, or of img2img."""
        own = self.options.token_merging_ratio_img2img if self.is_img2img else 0
        return own or self.options.token_merging_ratio

    @property
    def hires_token_merging_ratio(self) -> Number:
        """The ratio of the second pass."""
        return self.options.token_merging_ratio_hr or self.options.token_merging_ratio

    def second_pass(self) -> Self:
        """What the second pass of hires fix does, as a request of its own; its size is not cut yet."""
        assert self.hires is not None, "there is no second pass"
        part, (width, height) = self.hires, self.hires_size
        options = self.options
        tiles = options.hypertile_enable_unet or options.hypertile_enable_unet_secondpass
        own = {"token_merging_ratio": self.hires_token_merging_ratio, "hypertile_enable_unet": tiles}
        changes: dict[str, object] = {
            "model": part.model or self.model,
            "sampler": part.sampler or self.sampler,
            "schedule": part.schedule or self.schedule,
            "steps": part.steps or self.steps,
            "prompt": part.prompt or self.prompt,
            "negative_prompt": part.negative_prompt or self.negative_prompt,
            "width": width,
            "height": height,
            "options": options.model_copy(update=own),
            "plan": self.plan and self.plan.second_pass(),
        }
        return self.model_copy(update=changes)

    @property
    def hires_size(self) -> tuple[int, int]:
        """Width and height to which the first pass is scaled; where both are given, it covers them."""
        assert self.hires is not None, "there is no second pass"
        part = self.hires
        if not part.width and not part.height:
            return int(self.width * part.scale), int(self.height * part.scale)
        by_width = part.width, part.width * self.height // self.width
        by_height = part.height * self.width // self.height, part.height
        if not part.width or not part.height:
            return by_width if part.width else by_height
        return by_width if self.width / self.height < part.width / part.height else by_height

    def around_picture(self, width: int, height: int) -> Self:
        """With the size that the extended canvas has around an init picture of width x height.

        Sides are rounded so that the whole can be made; without any, the canvas is not extended. Raises
        InvalidRequest for a result that is too large.
        """
        if self.outpainting is None:
            return self
        if not self.outpainting.has_room:
            masks_nothing = self.inpainting is not None and self.inpainting.mask is None
            no_mask = {"inpainting": None} if masks_nothing else {}
            return self.model_copy(update={"outpainting": None} | no_mask)
        part = self.outpainting.fit(width, height)
        size = part.whole(width, height)
        if max(size) > MAX_SIDE:
            raise InvalidRequest(
                f"The picture with its new sides would have {size[0]}x{size[1]} pixels. The largest is "
                f"{MAX_SIDE} a side. Make the sides, or the scale, smaller."
            )
        return self.model_copy(update={"outpainting": part, "width": size[0], "height": size[1]})

    def seed_of(self, index: int) -> int:
        """Seed of picture `index` of the run."""
        if self.plan is not None:
            return self.plan.pictures[index].seed
        return self.seed if self.variation_strength else self.seed + index

    def variation_seed_of(self, index: int) -> int:
        """Variation seed of picture `index` of the run."""
        if self.plan is not None:
            return self.plan.pictures[index].variation_seed
        return self.variation_seed + index

    def picture(self, index: int) -> PlannedPicture:
        """What picture `index` of the run is made from."""
        if self.plan is not None:
            return self.plan.pictures[index]
        hires = self.hires
        return PlannedPicture(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            seed=self.seed_of(index),
            variation_seed=self.variation_seed_of(index),
            hires_prompt=hires.prompt if hires else "",
            hires_negative_prompt=hires.negative_prompt if hires else "",
        )

    def plan_pictures(self) -> RunPlan:
        """The plan; where nobody changed it, one prompt for all and seeds that count up."""
        return self.plan or RunPlan(pictures=tuple(self.picture(index) for index in range(self.count)))

    def planned(self, plan: RunPlan) -> Self:
        """The same request for the pictures of a plan: as many batches as they take."""
        if plan == self.plan or (self.plan is None and plan == self.plan_pictures()):
            return self
        batches = -(-len(plan) // self.batch_size)
        return self.model_copy(update={"plan": plan, "batch_count": batches})

    def with_texts_of(self, index: int) -> Self:
        """With the texts of picture `index` in place of the run's."""
        if self.plan is None:
            return self
        own = self.plan.pictures[index]
        changes: dict[str, object] = {"prompt": own.prompt, "negative_prompt": own.negative_prompt}
        if self.hires is not None:
            texts = {"prompt": own.hires_prompt, "negative_prompt": own.hires_negative_prompt}
            changes["hires"] = self.hires.model_copy(update=texts)
        return self.model_copy(update=changes)

    def only(self, index: int) -> Self:
        """The request that makes picture `index` of the run alone."""
        own = self.picture(index)
        changes = {"plan": None, "seed": own.seed, "variation_seed": own.variation_seed}
        return self.with_texts_of(index).model_copy(update=changes | {"batch_size": 1, "batch_count": 1})


def make_request(**fields: object) -> GenerationRequest:
    """A request from loose values. Raises InvalidRequest with one sentence about the first wrong field."""
    try:
        return GenerationRequest.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(explain(error)) from error


def explain(error: ValidationError) -> str:
    """The first of pydantic's complaints, as a sentence."""
    first = error.errors(include_url=False)[0]
    place = " ".join(str(part) for part in first["loc"] if part not in HIDDEN_LOC_PARTS).replace("_", " ")
    context, given, kind = first.get("ctx") or {}, first.get("input"), first["type"]
    if kind == "multiple_of":
        size, step = int(given) if isinstance(given, int | float) else 0, context["multiple_of"]
        near = max(step, round(size / step) * step)
        return f"The {place} is {given}, which is not a multiple of {step}. Use {near}."
    shown = repr(given) if len(repr(given)) <= 60 else f"{repr(given)[:57]}..."
    if kind == "extra_forbidden":
        return f"There is no field named {place!r}. Remove it from the request."
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"The {place} is {shown}, but it {message}." if place else f"{message}."
