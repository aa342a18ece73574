"""The extra networks that a request's prompt names, applied to a checkpoint for one pass."""

from collections.abc import Iterable, Iterator

from webui.core.events import Event, Message
from webui.core.request import GenerationRequest
from webui.models.loaded_model import LoadedModel
from webui.models.prompt_networks import Activated
from webui.pipelines.context import Context
from webui.prompts.networks import NetworkChoices, find_networks


def activate(request: GenerationRequest, sd: LoadedModel, context: Context) -> Activated:
    """Apply the networks of this request's prompt to `sd`, and no others. Quick where nothing changed."""
    choices = NetworkChoices() if request.disable_extra_networks else find_networks(request.prompt)
    return context.models.networks.activate(sd, choices)


def report_networks(activated: Activated) -> Iterator[Event]:
    """What the artist should hear: warnings, and what became of each LoRA."""
    for text in activated.warnings:
        yield Message(text=text, level="warning")
    yield from activated.reports


def list_misplaced_networks(request: GenerationRequest) -> list[str]:
    """What to say of networks in the negative prompt, where A1111 reads them as words."""
    found = find_networks(request.negative_prompt)
    names = [each.name for each in (*found.loras, *found.hypernetworks)]
    return [
        f"The network {name!r} stands in the negative prompt, where it is read as words. "
        "Write it into the prompt, with a negative weight if need be."
        for name in dict.fromkeys(names)
    ]


def hash_entry(key: str, hashes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """An infotext entry of names and hashes; none if there are none."""
    written = [f"{name.replace(':', '').replace(',', '')}: {short}" for name, short in hashes]
    return {key: ", ".join(written)} if written else {}
