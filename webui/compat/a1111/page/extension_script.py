"""The base of extensions' scripts: every moment of a run that one may take part in, all of them optional."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Marks a script whose panel is always there.
ALWAYS_VISIBLE = object()


@dataclass(slots=True)
class ComponentMoment:
    """What `on_after_component` functions are given."""

    component: Any


class ExtensionScript:
    """A script of an extension; `modules.scripts.Script` is it. There are two of each: one for each tab.

    `args_from` and `args_to` are where its values stand among the arguments of all scripts.
    """

    name: str | None = None
    section: str | None = None
    filename: str | None = None
    args_from: int | None = None
    args_to: int | None = None
    alwayson = False
    is_txt2img = False
    is_img2img = False
    tabname: str | None = None
    group: Any = None
    create_group = True
    infotext_fields: list[Any] | None = None
    paste_field_names: list[str] | None = None
    api_info: Any = None
    on_before_component_elem_id: list[tuple[str, Callable[[ComponentMoment], Any]]] | None = None
    on_after_component_elem_id: list[tuple[str, Callable[[ComponentMoment], Any]]] | None = None
    setup_for_ui_only = False
    controls: Any = None

    def title(self) -> str:
        """Its name in the list, in the API and in arguments. Every script has one."""
        raise NotImplementedError

    def ui(self, is_img2img: bool) -> Any:  # noqa: ANN401 - A1111's
        """Builds components; gives those whose values the other methods get."""

    def show(self, is_img2img: bool) -> Any:  # noqa: ANN401 - A1111's
        """False: not in this tab; True: in the list "Script"; `AlwaysVisible`: a panel of its own."""
        return True

    def run(self, p: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """The run itself, of a script of the list."""

    def setup(self, p: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """`p` has its scripts and arguments."""

    def before_process(self, p: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """Nothing is resolved yet."""

    def process(self, p: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """Prompts and seeds of all pictures are there."""

    def before_process_batch(self, p: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - A1111's
        """A batch begins; networks still stand in its prompts."""

    def after_extra_networks_activate(self, p: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - A1111's
        """The networks of a batch are applied."""

    def process_before_every_sampling(self, p: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - A1111's
        """A pass is about to be sampled."""

    def process_batch(self, p: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - A1111's
        """The prompts of a batch are about to be encoded."""

    def postprocess_batch(self, p: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - A1111's
        """A batch is decoded."""

    def postprocess_batch_list(self, p: Any, pp: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - A1111's
        """The same, as a list whose length may change."""

    def on_mask_blend(self, p: Any, mba: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """Inpainting lays the original over a latent."""

    def post_sample(self, p: Any, ps: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """A batch is sampled, not decoded."""

    def postprocess_image(self, p: Any, pp: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """A picture is there."""

    def postprocess_maskoverlay(self, p: Any, ppmo: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """Inpainting is about to lay the original around a picture."""

    def postprocess_image_after_composite(self, p: Any, pp: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """A picture is finished."""

    def postprocess(self, p: Any, processed: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """All pictures are there."""

    def before_component(self, component: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - A1111's
        """A component of the tab is about to be made."""

    def after_component(self, component: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - A1111's
        """A component of the tab was made."""

    def before_hr(self, p: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """The second pass of hires fix begins."""

    def on_before_component(self, callback: Callable[[ComponentMoment], Any], *, elem_id: str) -> None:
        """Have a function called before the component of an id is made."""
        self.on_before_component_elem_id = [*(self.on_before_component_elem_id or ()), (elem_id, callback)]

    def on_after_component(self, callback: Callable[[ComponentMoment], Any], *, elem_id: str) -> None:
        """Have a function called after the component of an id was made."""
        self.on_after_component_elem_id = [*(self.on_after_component_elem_id or ()), (elem_id, callback)]

    def describe(self) -> str:
        """What it says of itself; nothing shows it."""
        return ""

    def elem_id(self, item_id: str) -> str:
        """The id of an element of its panel: the same as in A1111, for scripts and styles name it."""
        shown = [self.show(is_img2img) for is_img2img in (True, False)]
        # Scripts that differ between the tabs have the tab's name in the id.
        is_shown_in_both = shown[0] == shown[1]
        tab = ("img2img" if self.is_img2img else "txt2img") + "_" if is_shown_in_both else ""
        title = re.sub(r"[^a-z_0-9]", "", re.sub(r"\s", "_", self.title().lower()))
        return f"script_{tab}{title}_{item_id}"

    @property
    def file(self) -> str:
        """The file that it is written in, for what is said of it."""
        return self.filename or str(Path(__file__))
