"""What is asked for when models are to leave the memory, or to come back."""

from typing import Literal

from webui.core.request_parts import Frozen


class ModelsRequest(Frozen):
    """Free the memory of all networks, or load the selected checkpoint: A1111's `unload-checkpoint` and
    `reload-checkpoint`.
    """

    action: Literal["unload", "load"]
