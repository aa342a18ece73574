"""The hooks of the page: panels of scripts, settings, tabs and callbacks of A1111's extensions."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, JsonValue

from webui.compat.a1111 import gradio3
from webui.compat.a1111.gradio3 import canvases
from webui.compat.a1111.host import current
from webui.compat.a1111.page.arguments import KEY, SCRIPTS, SELECTED, pack
from webui.compat.a1111.page.reaching import site
from webui.compat.a1111.page.shared_options import options_for_api
from webui.plugins import hookimpl
from webui.plugins.additions import taken_addresses
from webui.plugins.controls import FurtherOptions, GenerationControls, SettingsControls
from webui.plugins.parts import RequestPart, TabName

logger = logging.getLogger(__name__)
# An id stands in our page only once.
SHARED_IDS: Mapping[object, str] = {"img2img_paste": "paste"}


class CommunityPart(RequestPart):
    """The values of community extensions' panels in a request. See `page/arguments.py`."""

    key: ClassVar[str] = KEY
    title: ClassVar[str] = "Community extensions"

    # In no list of parts: its scripts are named themselves.
    tabs: ClassVar[tuple[TabName, ...]] = ()

    scripts: dict[str, list[JsonValue]] = Field(default={})
    selected: str = ""
    # What axes of theirs change in a cell of the X/Y/Z plot: see `denoising/axes.py`.
    axes: list[dict[str, JsonValue]] = Field(default=[])

    @property
    def is_active(self) -> bool:
        """Whether there are any: scripts decide themselves whether they do anything."""
        return bool(self.scripts or self.selected or self.axes)

    def to_infotext(self) -> dict[str, str]:
        """Nothing: scripts write their own entries while they run."""
        return {}


@hookimpl
def register_request_part() -> type[RequestPart]:
    """Kept in requests, drawn by nobody."""
    return CommunityPart


@hookimpl
def prepare_page() -> None:
    """Have components told of, and run what extensions do before there are any."""
    host = current()
    gradio3.install(tell_before_component, tell_after_component, note_dropped)
    host.ready.settings.listen(site("shared").opts.tell_changes)
    callbacks = site("script_callbacks")
    callbacks.ui_settings_callback()
    callbacks.before_ui_callback()


def name_as_there(given: dict[str, Any]) -> dict[str, Any]:
    """A component's arguments with the id it has in A1111, which there stands in both tabs."""
    elem_id = given.get("elem_id")
    return given | {"elem_id": SHARED_IDS[elem_id]} if elem_id in SHARED_IDS else given


def tell_before_component(component: Any, **given: Any) -> None:  # noqa: ANN401 - Gradio's
    """A component is about to be made: for the scripts of the tab that is being built, then for callbacks."""
    if canvases.is_canvas(given):
        return
    given = name_as_there(given)
    runner = site("scripts").scripts_current
    if runner is not None:
        runner.before_component(component, **given)
    site("script_callbacks").before_component_callback(component, **given)


def tell_after_component(component: Any, **given: Any) -> None:  # noqa: ANN401 - Gradio's
    """A component was made."""
    if canvases.is_canvas(given):
        canvases.stand_in(given["elem_id"])
        return
    given = name_as_there(given)
    runner = site("scripts").scripts_current
    if runner is not None:
        runner.after_component(component, **given)
    site("script_callbacks").after_component_callback(component, **given)
    make_missing_after(given.get("elem_id"))


def make_missing_after(elem_id: object) -> None:
    """A1111's page has a button after this component that ours has none of: extensions place theirs by it."""
    place, _, tab = str(elem_id or "").rpartition("_")
    if place == "generation_info":
        import gradio as gr  # slow to load, and there is no page without it

        # Unseen, as in A1111. A press changes nothing: pictures bring their infotexts by themselves here.
        gr.Button(visible=False, elem_id=f"{tab}_generation_info_button")


def note_dropped(file: str, names: set[str]) -> None:
    """An extension gave a component arguments that there are none of any more."""
    record = current().health.of_file(file)
    if record is not None:
        record.dropped.update(names)


@hookimpl
def prepare_tab(tab: str) -> None:
    """Make the scripts of a tab; they are told of its components."""
    from webui.compat.a1111.page.panels import runner_of  # loads Gradio

    runner = runner_of(tab)
    runner.is_settled = False
    runner.initialize_scripts(is_img2img=tab == "img2img")
    site("scripts").scripts_current = runner


@hookimpl
def generation_controls(tab: str) -> GenerationControls:
    """Build the panels of a tab's scripts."""
    from webui.compat.a1111.page.extras_panels import make_extras_controls  # as above
    from webui.compat.a1111.page.panels import make_controls

    return make_extras_controls() if tab == "extras" else make_controls(tab)


@hookimpl
def finish_tab(tab: str, fields: Mapping[str, Any]) -> None:
    """List what infotexts fill, and what A1111's Generate sends."""
    scripts = site("scripts")
    if scripts.scripts_current is not None:
        scripts.scripts_current.is_settled = True
    scripts.scripts_current = None
    site("ui").list_paste_fields(tab, fields)
    from webui.compat.a1111.page.generate_events import list_generate_event  # loads Gradio

    list_generate_event(tab, fields)


@hookimpl
def settings_controls(open_section: Callable[[str, str], Any]) -> SettingsControls | None:
    """Build the sections of extensions' settings; all tabs are built by now, so buttons can be connected."""
    from webui.compat.a1111.page.settings_sections import make_sections  # as above

    site("infotext_utils").connect_paste_params_buttons()
    site("script_callbacks").late_ui_settings_callback()
    return make_sections(open_section)


@hookimpl
def further_options() -> FurtherOptions:
    """Settings of extensions, for A1111's API."""
    return options_for_api(site("shared").opts)


@hookimpl
def add_tabs() -> list[tuple[str, str, Callable[[], object]]]:
    """The tabs of extensions, built on their own; they are rendered where they belong."""
    from webui.compat.a1111.page.tabs import make_tabs  # as above

    return make_tabs()


@hookimpl
def add_train_tabs() -> None:
    """Tabs of extensions below Train."""
    from webui.compat.a1111.page.tabs import make_train_tabs  # as above

    make_train_tabs()


@hookimpl(trylast=True)
def page_served(page: Any, app: Any) -> None:  # noqa: ANN401 - as in the specification
    """Connect what waits for all components, and tell extensions of the application."""
    host = current()
    host.page, host.app = page, app
    page.ui_loadsave = site("ui_loadsave").of_page(page)
    before = list(app.router.routes)
    site("script_callbacks").app_started_callback(page, app)
    note_doubles(before, app.router.routes)
    host.confirm_start()


def note_doubles(before: Sequence[Any], now: Sequence[Any]) -> None:
    """Name the extensions whose routes are at addresses of the program's own, which go on answering there."""
    health, taken = current().health, dict[str, list[str]]()
    for route in now:
        code = getattr(getattr(route, "endpoint", None), "__code__", None)
        if code is not None and not any(route is known for known in before):
            taken.setdefault(code.co_filename, []).extend(taken_addresses(route, before))
    for file, addresses in taken.items():
        if addresses:
            told = ", ".join(sorted(set(addresses)))
            error = ValueError(f"The program answers at {told} itself, and goes on doing so.")
            health.note_failure(health.of_file(file), "on_app_started", error)


@hookimpl
def describe_scripts() -> list[dict[str, Any]]:
    """The scripts of both tabs for API clients."""
    from webui.compat.a1111.page.api_scripts import describe_all  # as above

    return describe_all()


@hookimpl
def read_script_arguments(
    name: str, args: Sequence[Any], tab: str, is_selected: bool
) -> dict[str, dict[str, JsonValue]] | None:
    """An API call names a script."""
    from webui.compat.a1111.page.api_scripts import find_script  # as above

    script = find_script(name, tab, is_selected=is_selected)
    if script is None:
        return None
    scripts: JsonValue = {name.strip().lower(): pack(args)}
    chosen: dict[str, JsonValue] = {SELECTED: name.strip()} if is_selected else {}
    return {KEY: {SCRIPTS: scripts, **chosen}}
