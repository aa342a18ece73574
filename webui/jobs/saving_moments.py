"""The hooks around writing a picture: what extensions change of it before, and hear of it after."""

from pathlib import Path

from PIL.Image import Image

from webui.core.errors import InvalidRequest, WebuiError
from webui.core.events import ImageReady, Message, SaveAs
from webui.jobs.job import Job
from webui.plugins.host import Plugins
from webui.plugins.moments import GridMoment, SavingMoment
from webui.store.files.folder_rules import FolderRules

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif"})


class SavingMoments:
    """Calls `before_saving` and `image_saved`. On the thread that saves, one picture after another."""

    def __init__(self, plugins: Plugins, rules: FolderRules | None) -> None:
        self._plugins = plugins
        self._rules = rules
        # What extensions want written into the file that is written next.
        self.items: dict[str, str] = {}

    def before(self, ready: ImageReady, job: Job) -> tuple[ImageReady, list[Message]]:
        """The picture as extensions want it written, and what the artist should know."""
        self.items = {}
        if not self._plugins.uses("before_saving"):
            return ready, []
        messages: list[Message] = []
        request = ready.request or job.generation
        moment = SavingMoment(ready.index, ready.image, ready.infotext, request, stop=job.halt)
        self._call("before_saving", moment, messages)
        try:
            changed = self._take(ready, moment)
        except WebuiError as error:
            return ready, [*messages, warn(f"An extension changed how a picture is saved: {error}")]
        return changed, messages

    def after(self, ready: ImageReady, job: Job, path: Path) -> list[Message]:
        """Tell extensions of a file; what the artist should know."""
        messages: list[Message] = []
        if self._plugins.uses("image_saved"):
            request = ready.request or job.generation
            moment = SavingMoment(
                ready.index, ready.image, ready.infotext, request, path, dict(self.items), job.halt
            )
            self._call("image_saved", moment, messages)
        return messages

    def arrange(self, grid: GridMoment) -> list[Message]:
        """Let extensions change a sheet before it is drawn; what the artist should know."""
        messages: list[Message] = []
        if self._plugins.uses("arrange_grid"):
            try:
                self._plugins.call("arrange_grid", lambda text: messages.append(warn(text)), grid=grid)
            except WebuiError as error:
                messages.append(warn(str(error)))
        return messages

    def _call(self, hook: str, moment: SavingMoment, messages: list[Message]) -> None:
        try:
            self._plugins.call(hook, lambda text: messages.append(warn(text)), picture=moment)
        except WebuiError as error:
            # The picture is made: a refusal comes too late for it.
            messages.append(warn(str(error)))

    def _take(self, ready: ImageReady, moment: SavingMoment) -> ImageReady:
        """The picture as a moment has it now. Raises InvalidRequest."""
        if not isinstance(moment.image, Image):  # pyright: ignore[reportUnnecessaryIsInstance] - strangers' code
            raise InvalidRequest(
                f"the picture became {type(moment.image).__name__}, so it is saved as it was."
            )
        if not isinstance(moment.infotext, str):  # pyright: ignore[reportUnnecessaryIsInstance] - the same
            raise InvalidRequest("the infotext is no text any more, so it is saved as it was.")
        changes: dict[str, object] = {"image": moment.image, "infotext": moment.infotext}
        if moment.path is not None:
            changes["save_as"] = self._place(Path(moment.path), ready.save_as)
        self.items = {str(key): str(value) for key, value in moment.items.items()}
        return ready.model_copy(update=changes)

    def _place(self, path: Path, save_as: SaveAs | None) -> SaveAs:
        """Where a file goes that an extension wants elsewhere. Raises InvalidRequest."""
        if self._rules is None:
            raise InvalidRequest("files cannot be put elsewhere here.")
        folder = self._rules.check_folder("the folder", str(path.parent))
        # The file's type is the settings'.
        name = path.stem if path.suffix.lower() in SUFFIXES else path.name
        return (save_as or SaveAs()).model_copy(update={"folder": str(folder), "name": name})


def warn(text: str) -> Message:
    """A warning for the artist."""
    return Message(text=text, level="warning")
