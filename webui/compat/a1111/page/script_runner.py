"""The scripts of a tab: their panels, and calling their methods in order, each on its own."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradio.context import Context

from webui.compat.a1111.host import current
from webui.compat.a1111.page.callbacks import CallbackLists, ScriptCallback
from webui.compat.a1111.page.calls import StartCall, call_at_start, call_each_at_start, call_extension
from webui.compat.a1111.page.extension_script import ALWAYS_VISIBLE, ComponentMoment, ExtensionScript
from webui.compat.a1111.page.reaching import site
from webui.compat.a1111.page.tabs import no_page_open

logger = logging.getLogger(__name__)
# Panels with more components than these are named: every page waits for them.
MANY_COMPONENTS = 2000
ByElement = dict[str, list[tuple[Callable[[ComponentMoment], Any], ExtensionScript]]]


@dataclass(slots=True)
class ScriptArgument:
    """How a component of a panel is described to API clients."""

    label: str = ""
    value: Any = None
    minimum: Any = None
    maximum: Any = None
    step: Any = None
    choices: list[str] | None = None


@dataclass(slots=True)
class ScriptDescription:
    """How a script is described to API clients."""

    name: str
    is_img2img: bool
    is_alwayson: bool
    args: list[ScriptArgument] = field(default_factory=list[ScriptArgument])


class ExtensionScriptRunner:
    """The scripts of one tab; `modules.scripts.ScriptRunner` is it.

    Its lists are public: extensions change them, and copy it with fewer scripts. `inputs` are the components
    of all panels in order; the first stands for the list "Script".
    """

    # Where its scripts are sorted.
    callbacks: CallbackLists

    def __init__(self) -> None:
        self.scripts: list[ExtensionScript] = []
        self.selectable_scripts: list[ExtensionScript] = []
        self.alwayson_scripts: list[ExtensionScript] = []
        self.titles: list[str] = []
        self.title_map: dict[str, ExtensionScript] = {}
        self.infotext_fields: list[Any] = []
        self.paste_field_names: list[str] = []
        self.inputs: list[Any] = [None]
        # Once its tab is built, runs are read by the places of those components: panels that an extension
        # builds again for a tab of its own get a list of theirs.
        self.is_settled = False
        self.inputs_again: list[Any] = [None]
        self.callback_map: dict[str, tuple[tuple[int, ...], list[ScriptCallback]]] = {}
        self.on_before_component_elem_id: ByElement = {}
        self.on_after_component_elem_id: ByElement = {}

    def classes(self) -> Iterable[tuple[Callable[[], ExtensionScript], str]]:
        """What makes its scripts: (class, path) of all that were loaded."""
        raise NotImplementedError

    # ---- Making the scripts and their panels. ----

    def initialize_scripts(self, is_img2img: bool) -> None:
        """Make a script of each class that was loaded, and ask whether it is shown in this tab.

        Nothing once the tab is built: its panels belong to the scripts that there are.
        """
        if self.is_settled:
            return
        self.scripts.clear()
        self.alwayson_scripts.clear()
        self.selectable_scripts.clear()
        # A1111 makes them before the page: what one makes of components is drawn where its `ui` says.
        with no_page_open():
            for made, path in self.classes():
                call_at_start(path, "show", self._add, made, path, is_img2img)
        site("script_callbacks").late_ui_settings_callback()
        self.callback_map.clear()
        self.apply_on_before_component_callbacks()

    def _add(self, made: Callable[[], ExtensionScript], path: str, is_img2img: bool) -> None:
        script = made()
        script.filename = path
        script.is_txt2img, script.is_img2img = not is_img2img, is_img2img
        script.tabname = "img2img" if is_img2img else "txt2img"
        shown = script.show(is_img2img)
        if shown is ALWAYS_VISIBLE:
            script.alwayson = True
            self.scripts.append(script)
            self.alwayson_scripts.append(script)
        elif shown:
            self.scripts.append(script)
            self.selectable_scripts.append(script)

    def apply_on_before_component_callbacks(self) -> None:
        """Note which scripts wait for components of an id."""
        for script in self.scripts:
            for name in ("on_before_component_elem_id", "on_after_component_elem_id"):
                waiting: ByElement = getattr(self, name)
                for elem_id, callback in getattr(script, name) or ():
                    waiting.setdefault(elem_id, []).append((callback, script))

    def create_script_ui(self, script: ExtensionScript) -> None:
        """Build the panel of a script; where that fails, it has no arguments."""
        if self.is_settled:
            call_at_start(script.file, "ui", self.create_script_ui_again, script)
            return
        script.args_from = script.args_to = len(self.inputs)
        call_at_start(script.file, "ui", self.create_script_ui_inner, script)

    def create_script_ui_inner(self, script: ExtensionScript) -> None:
        """Build the panel of a script, and describe its components to API clients."""
        before = Context.id
        controls = script.ui(script.is_img2img)
        script.controls = controls
        note_many(script.file, Context.id - before)
        if controls is None:
            return
        file = script.file
        script.name = str(call_extension(file, "title", script.title, default=Path(file).name)).lower()
        arguments: list[ScriptArgument] = []
        for control in controls:
            control.custom_script_source = Path(file).name
            arguments.append(describe_component(control))
        script.api_info = ScriptDescription(script.name, script.is_img2img, script.alwayson, arguments)
        self.infotext_fields += list(script.infotext_fields or ())
        self.paste_field_names += list(script.paste_field_names or ())
        self.inputs += list(controls)
        script.args_to = len(self.inputs)

    def create_script_ui_again(self, script: ExtensionScript) -> None:
        """Build the panel of a script once more: its components stand where those of its tab do."""
        controls = list(script.ui(script.is_img2img) or ())
        start, stop = script.args_from or 0, script.args_to or 0
        if len(controls) == stop - start:
            self.inputs_again[start:stop] = controls

    def setup_ui_for_section(
        self, section: str | None, scriptlist: Sequence[ExtensionScript] | None = None
    ) -> None:
        """Build the panels of a section, each in a group of its own unless it wants none."""
        for script in self.alwayson_scripts if scriptlist is None else scriptlist:
            if script.alwayson and script.section != section:
                continue
            if script.create_group:
                with make_group(script) as group, make_inside():
                    self.create_script_ui(script)
                script.group = group
            else:
                self.create_script_ui(script)

    def prepare_ui(self) -> None:
        """Forget the panels that were built before; those of its tab stay."""
        self.inputs_again = list(self.inputs)
        if not self.is_settled:
            self.inputs = [None]

    def setup_ui(self) -> list[Any]:
        """Build the panels without a section, the list "Script" and the panels of its scripts.

        Gives the components of all panels. Once its tab is built, those of a second set, each in its place.
        """
        if self.is_settled and len(self.inputs_again) != len(self.inputs):
            self.prepare_ui()
        self.list_titles()
        self.setup_ui_for_section(None)
        inputs = self.inputs_again if self.is_settled else self.inputs
        inputs[0] = make_script_list(self.titles)
        self.setup_ui_for_section(None, self.selectable_scripts)
        wire_script_list(self, inputs[0])
        self.inputs_again = list(self.inputs)
        return inputs

    def list_titles(self) -> None:
        """Ask the scripts of the list how they are called."""
        titles = [
            str(call_at_start(script.file, "title", script.title, default=f"{script.file} [error]"))
            for script in self.selectable_scripts
        ]
        self.titles = titles
        pairs = zip(titles, self.selectable_scripts, strict=True)
        self.title_map = {title.lower(): script for title, script in pairs}

    def before_component(self, component: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Gradio's
        """A component of the tab is about to be made."""
        self._tell_component("before", component, kwargs)

    def after_component(self, component: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Gradio's
        """A component of the tab was made."""
        self._tell_component("after", component, kwargs)

    def _tell_component(self, when: str, component: Any, kwargs: dict[str, Any]) -> None:  # noqa: ANN401 - as above
        waiting: ByElement = getattr(self, f"on_{when}_component_elem_id")
        moment = ComponentMoment(component=component)
        calls = [
            StartCall(script.file, f"on_{when}_component", callback, (moment,))
            for callback, script in waiting.get(str(kwargs.get("elem_id")), [])
        ]
        method = f"{when}_component"
        calls += [
            StartCall(script.file, method, getattr(script, method), (component,), kwargs)
            for script in self.scripts
            if overrides(script, method)
        ]
        call_each_at_start(calls)

    # ---- A run. ----

    def run(self, p: Any, *args: Any) -> Any:  # noqa: ANN401 - A1111's
        """What the script that is chosen in the list gives; None where none is. Raises what it raises."""
        chosen = args[0] if args else None
        if not chosen:
            return None
        script = self.selectable_scripts[int(chosen) - 1]
        return script.run(p, *args[script.args_from : script.args_to])

    def list_scripts_for_method(self, method_name: str) -> list[ExtensionScript]:
        """Whose method of that name is asked: those without a panel of their own, only for components."""
        return self.scripts if "component" in method_name else self.alwayson_scripts

    def create_ordered_callbacks_list(
        self,
        method_name: str,
        *,
        enable_user_sort: bool = True,
    ) -> list[ScriptCallback]:
        """The scripts that have a method, sorted."""
        category, found = f"script_{method_name}", list[ScriptCallback]()
        lists = type(self).callbacks
        for script in self.list_scripts_for_method(method_name):
            if overrides(script, method_name):
                name = type(script).__name__
                lists.add(found, script, category=category, name=name, file=script.file)
        return lists.sort(category, found)

    def ordered_callbacks(self, method_name: str, *, enable_user_sort: bool = True) -> list[ScriptCallback]:
        """As `create_ordered_callbacks_list`; sorted anew only where the list of scripts changed."""
        now = tuple(id(script) for script in self.list_scripts_for_method(method_name))
        category = f"script_{method_name}"
        kept = self.callback_map.get(category)
        if kept is not None and kept[0] == now:
            return kept[1]
        found = self.create_ordered_callbacks_list(method_name, enable_user_sort=enable_user_sort)
        self.callback_map[category] = (now, found)
        return found

    def ordered_scripts(self, method_name: str) -> list[ExtensionScript]:
        """The scripts that have a method, sorted."""
        return [each.callback for each in self.ordered_callbacks(method_name)]

    def _call(self, method: str, p: Any, *first: Any, **kwargs: Any) -> None:  # noqa: ANN401 - A1111's
        """Call a method of all scripts that have it: `p`, then `first`, then the script's arguments."""
        for script in self.ordered_scripts(method):
            function = getattr(script, method)
            call_extension(script.file, method, call_with_arguments, function, script, p, first, kwargs)

    def setup_scripts(self, p: Any, *, is_ui: bool = True) -> None:  # noqa: ANN401 - A1111's
        """`p` has its scripts and arguments."""
        for script in self.ordered_scripts("setup"):
            if is_ui or not script.setup_for_ui_only:
                call_extension(script.file, "setup", call_with_arguments, script.setup, script, p, (), {})

    def before_process(self, p: Any) -> None:  # noqa: ANN401 - A1111's
        """See ExtensionScript; so for the other methods."""
        self._call("before_process", p)

    def process(self, p: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("process", p)

    def process_before_every_sampling(self, p: Any, **kwargs: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("process_before_every_sampling", p, **kwargs)

    def before_process_batch(self, p: Any, **kwargs: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("before_process_batch", p, **kwargs)

    def after_extra_networks_activate(self, p: Any, **kwargs: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("after_extra_networks_activate", p, **kwargs)

    def process_batch(self, p: Any, **kwargs: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("process_batch", p, **kwargs)

    def postprocess(self, p: Any, processed: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("postprocess", p, processed)

    def postprocess_batch(self, p: Any, images: Any, **kwargs: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("postprocess_batch", p, images=images, **kwargs)

    def postprocess_batch_list(self, p: Any, pp: Any, **kwargs: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("postprocess_batch_list", p, pp, **kwargs)

    def post_sample(self, p: Any, ps: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("post_sample", p, ps)

    def on_mask_blend(self, p: Any, mba: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("on_mask_blend", p, mba)

    def postprocess_image(self, p: Any, pp: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("postprocess_image", p, pp)

    def postprocess_maskoverlay(self, p: Any, ppmo: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("postprocess_maskoverlay", p, ppmo)

    def postprocess_image_after_composite(self, p: Any, pp: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("postprocess_image_after_composite", p, pp)

    def before_hr(self, p: Any) -> None:  # noqa: ANN401 - A1111's
        """As above."""
        self._call("before_hr", p)

    def script(self, title: str) -> ExtensionScript | None:
        """The script of that title, in the list or with a panel."""
        wanted = title.lower()
        for script in self.scripts:
            if str(call_extension(script.file, "title", script.title, default="")).lower() == wanted:
                return script
        return None

    def reload_sources(self, cache: Any) -> None:  # noqa: ANN401 - A1111's
        """Nothing: Reload UI makes all scripts anew."""

    def set_named_arg(
        self,
        args: list[Any],
        script_name: str,
        arg_elem_id: str,
        value: Any,  # noqa: ANN401 - whatever the component holds
        fuzzy: bool = False,
    ) -> None:
        """Set, in a list of all arguments, that of the component whose id ends with `arg_elem_id`.

        Raises RuntimeError where there is no such script or component.
        """
        script = next((each for each in self.scripts if each.name == script_name), None)
        if script is None:
            raise RuntimeError(f"There is no script named {script_name!r} here.")
        for at, control in enumerate(script.controls or ()):
            elem_id = str(getattr(control, "elem_id", ""))
            if (
                elem_id == arg_elem_id
                or (fuzzy and arg_elem_id in elem_id)
                or elem_id.endswith(f"_{arg_elem_id}")
            ):
                args[(script.args_from or 0) + at] = value
                return
        raise RuntimeError(f"The script {script_name!r} has no component {arg_elem_id!r}.")

    def default_arguments(self) -> list[Any]:
        """What all panels hold when the page opens, the list "Script" on None."""
        return [0, *(default_of(component) for component in self.inputs[1:])]


def call_with_arguments(
    function: Callable[..., Any],
    script: ExtensionScript,
    p: Any,  # noqa: ANN401 - A1111's
    first: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:  # noqa: ANN401 - whatever it gives
    """Call a method of a script with its part of the arguments."""
    own = p.script_args[script.args_from : script.args_to] if script.args_to else ()
    return function(p, *first, *own, **kwargs)


def overrides(script: ExtensionScript, method: str) -> bool:
    """Whether a script has a method of its own."""
    own = getattr(type(script), method, None)
    return own is not getattr(ExtensionScript, method, None) or method in vars(script)


def describe_component(control: Any) -> ScriptArgument:  # noqa: ANN401 - Gradio's component
    """How a component is described to API clients."""
    described = ScriptArgument(label=getattr(control, "label", None) or "")
    for name in ("value", "minimum", "maximum", "step"):
        value = getattr(control, name, None)
        # A value that is a function is asked for each page.
        if value is not None and not callable(value):
            setattr(described, name, value)
    choices = getattr(control, "choices", None)
    if choices is not None:
        described.choices = [str(each[0] if isinstance(each, tuple) else each) for each in choices]
    return described


def default_of(component: Any) -> Any:  # noqa: ANN401 - Gradio's component
    """What a component holds when the page opens, as a script is given it."""
    value = getattr(component, "value", None)
    value = value() if callable(value) else value
    if getattr(component, "type", None) == "index" and hasattr(component, "choices"):
        values = [each[1] if isinstance(each, tuple) else each for each in component.choices or ()]
        return values.index(value) if value in values else None
    return copy.deepcopy(value) if isinstance(value, list | dict) else value


def make_group(script: ExtensionScript) -> Any:  # noqa: ANN401 - Gradio's
    """What a panel lies in. Gradio's Group would draw its id twice."""
    # Gradio is loaded where a page is built.
    import gradio as gr

    shown = True if script.alwayson else "hidden"
    return gr.Column(visible=shown, elem_classes=["script-panel"], min_width=0)


def make_inside() -> Any:  # noqa: ANN401 - Gradio's
    """The box in which a panel's components lie: scripts of the page look for it, as in Gradio 3's groups."""
    import gradio as gr  # as above

    return gr.Column(elem_classes=["styler"], min_width=0)


def make_script_list(titles: Sequence[str]) -> Any:  # noqa: ANN401 - Gradio's
    """The list "Script"."""
    import gradio as gr  # as above

    choices = ["None", *titles]
    return gr.Dropdown(choices, value="None", label="Script", elem_id="script_list", type="index")


def wire_script_list(runner: ExtensionScriptRunner, titles: Any) -> None:  # noqa: ANN401 - Gradio's
    """Choosing a script shows its panel."""
    import gradio as gr  # as above

    groups = [script.group for script in runner.selectable_scripts if script.group is not None]
    scripts = [script for script in runner.selectable_scripts if script.group is not None]
    if not groups:
        return

    def show(chosen: int | None) -> list[Any]:
        selected = runner.selectable_scripts[chosen - 1] if chosen else None
        return [gr.update(visible=True if script is selected else "hidden") for script in scripts]

    titles.change(show, inputs=[titles], outputs=groups, show_progress="hidden")


def note_many(file: str, count: int) -> None:
    """Name a script whose panel has so many components that every page waits for them."""
    if count > MANY_COMPONENTS:
        health = current().health
        error = ValueError(f"Its panel has {count} components, for which every page that opens waits.")
        health.note_failure(health.of_file(file), "ui", error)
