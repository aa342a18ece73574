"""Scripts of extensions for the tab Extras: pictures in, pictures out."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from PIL import Image

from webui.compat.a1111.host import current
from webui.compat.a1111.page.calls import call_at_start, call_extension

# What stands for the result of a script that failed.
FAILED = object()
# A1111's own three stand first in its order.
OWN_NAMES = ("Upscale", "GFPGAN", "CodeFormer")


class PostprocessedImage:
    """A picture on its way through the scripts; `info` goes into its infotext, `nametags` into its name."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image
        self.info: dict[str, Any] = {}
        self.shared = ExtrasShared()
        self.extra_images: list[Any] = []
        self.nametags: list[str] = []
        self.disable_processing = False
        self.caption: str | None = None

    def get_suffix(self, used_suffixes: dict[str, int] | None = None) -> str:
        """What the name of its file ends with; a number where others have the same."""
        used = {} if used_suffixes is None else used_suffixes
        suffix = "-".join(self.nametags)
        if suffix:
            suffix = f"-{suffix}"
        if suffix not in used:
            used[suffix] = 1
            return suffix
        used[suffix] += 1
        return f"{suffix}-{used[suffix]}"

    def create_copy(
        self,
        new_image: Image.Image,
        *,
        nametags: list[str] | None = None,
        disable_processing: bool = False,
    ) -> "PostprocessedImage":
        """Another picture made from this one, for `extra_images`."""
        made = PostprocessedImage(new_image)
        made.shared = self.shared
        made.nametags = [*self.nametags, *(nametags or ())]
        made.info = dict(self.info)
        made.disable_processing = disable_processing
        return made


class ExtrasShared:
    """What all pictures of one run have in common."""

    target_width: int | None = None
    target_height: int | None = None


class ExtrasScript:
    """The base of scripts for Extras; `modules.scripts_postprocessing.ScriptPostprocessing` is it."""

    filename: str | None = None
    controls: dict[str, Any] | None = None
    args_from: int | None = None
    args_to: int | None = None
    order: int = 1000
    name: str | None = None
    group: Any = None

    def ui(self) -> Any:  # noqa: ANN401 - A1111's: a dict of components
        """Builds components; gives those whose values `process` gets, by the names of its arguments."""

    def process(self, pp: PostprocessedImage, **args: Any) -> None:  # noqa: ANN401 - whatever components hold
        """Change a picture."""

    def process_firstpass(self, pp: PostprocessedImage, **args: Any) -> None:  # noqa: ANN401 - as above
        """Look at a picture before any script changes it."""

    def image_changed(self) -> None:
        """Another picture was chosen in the tab."""

    @property
    def file(self) -> str:
        """The file that it is written in."""
        return self.filename or __file__


class ExtrasScriptRunner:
    """The scripts of Extras; `modules.scripts_postprocessing.ScriptPostprocessingRunner` is it."""

    def __init__(self) -> None:
        self.scripts: list[ExtrasScript] | None = None
        self.ui_created = False
        self.inputs: list[Any] = []

    def classes(self) -> Iterable[tuple[Callable[[], ExtrasScript], str]]:
        """What makes its scripts: (class, path) of all that were loaded."""
        raise NotImplementedError

    def preferred_order(self) -> Iterable[str]:
        """Names of scripts that the owner wants first."""
        raise NotImplementedError

    def initialize_scripts(self, scripts_data: Iterable[Any]) -> None:
        """Make a script of each class."""
        self._make([(each.script_class, str(each.path)) for each in scripts_data])

    def _make(self, classes: Iterable[tuple[Callable[[], ExtrasScript], str]]) -> None:
        self.scripts = []
        for made, path in classes:
            script = call_at_start(path, "making it", made)
            if script is not None:
                script.filename = path
                self.scripts.append(script)

    def create_script_ui(self, script: ExtrasScript, inputs: list[Any]) -> None:
        """Build the panel of a script."""
        script.args_from = script.args_to = len(inputs)
        controls = call_at_start(script.file, "ui", script.ui)
        script.controls = dict(controls or {})
        for control in script.controls.values():
            control.custom_script_source = script.name
        inputs += list(script.controls.values())
        script.args_to = len(inputs)

    def scripts_in_preferred_order(self) -> list[ExtrasScript]:
        """As the owner wants them, then by their `order`."""
        if self.scripts is None:
            self._make(self.classes())
        names = list(self.preferred_order())

        def place(script: ExtrasScript) -> tuple[int, int, str]:
            at = names.index(script.name) if script.name in names else len(names)
            return at, script.order, str(script.name)

        return sorted(self.scripts or (), key=place)

    def setup_ui(self) -> list[Any]:
        """Build all panels; their components."""
        # Gradio is loaded where a page is built.
        import gradio as gr

        inputs: list[Any] = []
        for script in self.scripts_in_preferred_order():
            with gr.Column(elem_classes=["script-panel"], min_width=0) as group:
                self.create_script_ui(script, inputs)
            script.group = group
        self.ui_created = True
        self.inputs = inputs
        return inputs

    def run(self, pp: PostprocessedImage, args: list[Any]) -> None:
        """All scripts on a picture, with the values of all panels; further pictures are in `extra_images`."""
        self.run_first_pass(pp, args)
        self.run_scripts(self.scripts_in_preferred_order(), pp, args)

    def run_first_pass(self, pp: PostprocessedImage, args: list[Any]) -> None:
        """Let all scripts look at a picture that nothing was done to yet."""
        for script in self.scripts_in_preferred_order():
            values = values_of(script, args)
            call_extension(script.file, "process_firstpass", script.process_firstpass, pp, **values)

    def run_scripts(
        self,
        scripts: Iterable[ExtrasScript],
        pp: PostprocessedImage,
        args: list[Any],
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Some of the scripts on a picture, as `run`; `tell` says to the artist which failed."""
        pictures = [pp]
        for script in scripts:
            values = values_of(script, args)
            for picture in list(pictures):
                if picture.disable_processing:
                    continue
                given = call_extension(
                    script.file, "process", script.process, picture, default=FAILED, **values
                )
                if given is FAILED:
                    tell(describe_failure(script))
                pictures += [each for each in as_pictures(picture) if each not in pictures]
                picture.extra_images = []
        pp.extra_images = pictures[1:]

    def create_args_for_run(self, scripts_args: dict[str, dict[str, Any]]) -> list[Any]:
        """The values of all panels, of which some are named: by script, then by argument."""
        if not self.ui_created:
            import gradio as gr  # as above

            with gr.Blocks(analytics_enabled=False):
                self.setup_ui()
        args: list[Any] = []
        for script in self.scripts_in_preferred_order():
            given = scripts_args.get(str(script.name), {})
            for name, control in (script.controls or {}).items():
                args.append(given.get(name, control.value))
        return args

    def image_changed(self) -> None:
        """Another picture was chosen in the tab."""
        for script in self.scripts_in_preferred_order():
            call_extension(script.file, "image_changed", script.image_changed)


def describe_failure(script: ExtrasScript) -> str:
    """Say that a script failed on a picture."""
    record = current().health.of_file(script.file)
    whose = f" of the extension {record.name!r}" if record else ""
    return (
        f"The script {script.name!r}{whose} failed, so the picture is without what it would have done. "
        "The page of its health, below Extensions, has the details."
    )


def values_of(script: ExtrasScript, args: list[Any]) -> dict[str, Any]:
    """A script's values by the names of its arguments."""
    own = args[script.args_from : script.args_to] if script.args_to is not None else []
    return dict(zip(script.controls or {}, own, strict=False))


def as_pictures(picture: PostprocessedImage) -> list[PostprocessedImage]:
    """What a script added to a picture, each as one of its own."""
    return [
        each if isinstance(each, PostprocessedImage) else picture.create_copy(each, disable_processing=True)
        for each in picture.extra_images
    ]


def wrap_name(name: str) -> str:
    """A name as a part of an id."""
    return re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
