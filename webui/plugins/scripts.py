"""Scripts: what makes a whole run its own way, chosen in the drop-down "Script"."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Protocol

from webui.core.events import Event
from webui.core.request import GenerationRequest
from webui.plugins.parts import RequestPart

if TYPE_CHECKING:
    from webui.plugins.context import Context


class Script(Protocol):
    """Makes a run in place of the plain recipe. `title` is its name in the drop-down and in `script_name`.

    `part` is the class of its values, with `is_script` set.
    """

    title: str
    part: type[RequestPart]

    def run(self, request: GenerationRequest, context: "Context") -> Generator[Event]:
        """Tell what happens, pictures too. `context.events(request)` makes one run of several.

        `request` has no script any more; its values are in `part.of(request)`.
        """
        ...
