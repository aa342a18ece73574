"""A1111's processing object: what a picture is made from, for extensions to read, change, copy and run."""

import dataclasses
import sys
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

from webui.compat.a1111.host import current
from webui.compat.a1111.running import setting_up
from webui.compat.a1111.running.defaults import BASE, IMG2IMG, TXT2IMG
from webui.compat.a1111.running.inner import SLOT, inner_of, keep_with
from webui.compat.a1111.running.reaching import site
from webui.core.errors import InvalidRequest


class StableDiffusionProcessing:
    """Any attribute may be read and set. The core never sees it: values go back at fixed moments, checked."""

    __slots__ = ("__dict__", "__weakref__", SLOT)
    # A1111's caches of conditionings, which extensions reset; ours is another.
    cached_c: ClassVar[list[Any]] = [None, None]
    cached_uc: ClassVar[list[Any]] = [None, None]
    DEFAULTS: ClassVar[Mapping[str, Any]] = BASE

    def __init__(self, sd_model: Any = None, **given: Any) -> None:  # noqa: ANN401 - whatever extensions give
        """Keywords are A1111's, older ones and others too; `sd_model` is always the one that is loaded."""
        for name, value in self.DEFAULTS.items():
            setattr(self, name, copy(value) if isinstance(value, dict | list) else value)
        for name, value in given.items():
            own = self.DEFAULTS.get(name)
            setattr(self, name, copy(own) if value is None and isinstance(own, dict | list) else value)
        for each in getattr(self, "__dataclass_fields__", {}).values():
            if each.name not in self.__dict__ and each.default_factory is not dataclasses.MISSING:
                setattr(self, each.name, each.default_factory())
        self.__post_init__()

    def __post_init__(self) -> None:
        """What an extension's class does once all is set."""

    def __init_subclass__(cls, **given: Any) -> None:  # noqa: ANN401 - a class's own
        """Let a class of an extension's be a dataclass with fields of its own, as A1111's are.

        Its constructor would know these fields alone, and its objects could be in no set.
        """
        super().__init_subclass__(**given)
        if "__init__" not in vars(cls):

            def construct(self: Any, sd_model: Any = None, **values: Any) -> None:  # noqa: ANN401 - as above
                above: Any = super(cls, self)
                above.__init__(sd_model, **values)

            cls.__init__ = construct
        if "__eq__" not in vars(cls):
            cls.__eq__, cls.__hash__ = object.__eq__, object.__hash__

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - those of `DEFAULTS`, and any other
            ...

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401 - as above
        """Also notes which file set it, so that a value that cannot be used names its extension."""
        if name == SLOT:
            object.__setattr__(self, name, value)
            return
        # Python's documented way to the code that calls.
        frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        if frame.f_code.co_filename != __file__:
            keep_with(self, set_by={**inner_of(self).get("set_by", {}), name: frame.f_code.co_filename})
            own = getattr(type(self), name, None)
            if isinstance(own, property) and own.fset is None:
                # Some put all that they read back, and what follows from other attributes goes on doing so.
                return
        object.__setattr__(self, name, value)

    @property
    def sd_model(self) -> Any:  # noqa: ANN401 - the facade of the loaded checkpoint
        """The loaded checkpoint as extensions see it."""
        return site("shared").sd_model

    @sd_model.setter
    def sd_model(self, value: Any) -> None:  # noqa: ANN401 - as above
        """Nothing: the checkpoint is chosen by `override_settings`."""

    # Of these the values lie under A1111's inner names, by which some find them among all attributes.
    script_args_value: Any = None
    scripts_value: Any = None

    @property
    def script_args(self) -> Any:  # noqa: ANN401 - a list or a tuple
        """The arguments of all scripts."""
        return self.script_args_value

    @script_args.setter
    def script_args(self, value: Any) -> None:  # noqa: ANN401 - as above
        self.script_args_value = value

    @property
    def scripts(self) -> Any:  # noqa: ANN401 - a runner of scripts
        """What runs the scripts."""
        return self.scripts_value

    @scripts.setter
    def scripts(self, value: Any) -> None:  # noqa: ANN401 - as above
        self.scripts_value = value

    @property
    def subseed_strength_is_used(self) -> bool:
        """Whether variation seeds count."""
        return bool(self.subseed_strength)

    def setup_prompts(self) -> None:
        """Fill `all_prompts` and `all_negative_prompts` from the prompts and styles."""
        setting_up.set_up_prompts(self)

    def parse_extra_network_prompts(self) -> None:
        """Take `<name:…>` out of the batch's prompts, into `extra_network_data`."""
        self.prompts, self.extra_network_data = site("extra_networks").parse_prompts(self.prompts)

    def setup_conds(self) -> None:
        """Nothing: prompts are encoded by the program, and found in its cache."""

    def clear_prompt_cache(self) -> None:
        """Forget A1111's cached conditionings."""
        self.cached_c, self.cached_uc = [None, None], [None, None]  # pyright: ignore[reportAttributeAccessIssue]

    def get_conds(self) -> tuple[Any, Any]:
        """Conditionings of prompt and negative prompt."""
        return self.c, self.uc

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """The ratio of this pass."""
        return float((self.token_merging_ratio_hr if for_hr else 0) or self.token_merging_ratio or 0)

    def txt2img_image_conditioning(self, x: Any, width: Any = None, height: Any = None) -> Any:  # noqa: ANN401
        """What checkpoints read that need no picture: zeros (B, 5, 1, 1)."""
        return x.new_zeros(x.shape[0], 5, 1, 1)

    def img2img_image_conditioning(self, source_image: Any, latent_image: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        """The same for img2img."""
        if self.__dict__.get("image_conditioning") is not None:
            return self.image_conditioning
        return latent_image.new_zeros(latent_image.shape[0], 5, 1, 1)

    def init(self, all_prompts: Any, all_seeds: Any, all_subseeds: Any) -> None:  # noqa: ANN401
        """The moment before the first batch."""

    def sample(
        self,
        conditioning: Any = None,  # noqa: ANN401 - as A1111
        unconditional_conditioning: Any = None,  # noqa: ANN401
        seeds: Any = None,  # noqa: ANN401
        subseeds: Any = None,  # noqa: ANN401
        subseed_strength: Any = None,  # noqa: ANN401
        prompts: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 - a latent
        """All passes of the batch that is being made: its latent (B, C, h, w)."""
        run = current().runs.of(self)
        if run is None or run.sample is None:
            raise InvalidRequest(
                "p.sample() makes a batch of a run. Call process_images(p) to make pictures."
            )
        return run.sample()

    def save_samples(self) -> bool:
        """Whether its pictures are saved."""
        return site("shared").opts.samples_save and not self.do_not_save_samples

    def comment(self, text: str) -> None:
        """Tell the artist."""
        self.comments[text] = 1
        current().runs.tell(str(text))

    def close(self) -> None:
        """Let go of what it holds of the run."""
        self.sampler = self.c = self.uc = None


class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    """From texts, with hires fix."""

    cached_hr_c: ClassVar[list[Any]] = [None, None]
    cached_hr_uc: ClassVar[list[Any]] = [None, None]
    DEFAULTS: ClassVar[Mapping[str, Any]] = {**BASE, **TXT2IMG}

    def init(self, all_prompts: Any, all_seeds: Any, all_subseeds: Any) -> None:  # noqa: ANN401 - as A1111
        """Work out the size of the second pass."""
        if self.enable_hr:
            setting_up.set_hires_size(self)

    def setup_prompts(self) -> None:
        """As for all, and the second pass's texts."""
        super().setup_prompts()
        setting_up.set_up_hires_prompts(self)

    def calculate_target_resolution(self) -> None:
        """Work out the size of the second pass."""
        setting_up.set_hires_size(self)

    def sample_hr_pass(self, samples: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as A1111
        """The second pass is a part of `sample`."""
        return samples


class StableDiffusionProcessingImg2Img(StableDiffusionProcessing):
    """From pictures, with a mask or without."""

    DEFAULTS: ClassVar[Mapping[str, Any]] = {**BASE, **IMG2IMG}

    def __post_init__(self) -> None:
        """`mask=` becomes `image_mask`, as in A1111."""
        super().__post_init__()
        if self.mask is not None:
            self.image_mask, self.mask = self.mask, None

    @property
    def mask_blur(self) -> int | None:
        """Pixels, where both directions have the same."""
        return self.mask_blur_x if self.mask_blur_x == self.mask_blur_y else None

    @mask_blur.setter
    def mask_blur(self, value: int | None) -> None:
        if isinstance(value, int | float):
            self.mask_blur_x = self.mask_blur_y = value

    def init(self, all_prompts: Any, all_seeds: Any, all_subseeds: Any) -> None:  # noqa: ANN401 - as A1111
        """Prepare and encode the init pictures."""
        run = current().runs.of(self)
        if run is None or run.start is None:
            raise InvalidRequest("p.init() belongs to a run. Call process_images(p) to make pictures.")
        run.start()
