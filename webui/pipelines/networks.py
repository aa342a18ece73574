"""The extra networks that a request's prompt names, applied to a checkpoint for one pass."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from webui.core.events import Event, Message
from webui.core.request import GenerationRequest
from webui.models.loaded_model import LoadedModel
from webui.models.prompt_networks import Activated
from webui.plugins.batch import Batch
from webui.plugins.context import Context
from webui.prompts.networks import NetworkChoices, find_networks


def activate(batch: Batch, sd: LoadedModel, context: Context) -> Activated:
    """Apply the networks of a batch's prompts to `sd`, and no others. Quick where nothing changed."""
    choices = choose_networks(batch.request, batch.request.picture(batch.first).prompt)
    choices = context.plugins.change(
        "change_networks", choices, context.tell, name="choices", batch=batch, context=context
    )
    return context.models.networks.activate(sd, choices)


def choose_networks(request: GenerationRequest, prompt: str) -> NetworkChoices:
    """The networks that a prompt of the request asks for."""
    return NetworkChoices() if request.disable_extra_networks else find_networks(prompt)


def split_by_networks(batch: Batch) -> list[Batch]:
    """The parts of a batch in which all pictures name the same networks: a checkpoint holds one set.

    Noise is drawn for each picture by itself, so a picture does not depend on how its batch is cut.
    """
    request = batch.request
    if request.plan is None or request.batch_size == 1:
        return [batch]
    passes = [request, request.second_pass()] if request.hires is not None else [request]
    named = [
        tuple(choose_networks(each, each.picture(index).prompt) for each in passes) for index in batch.indexes
    ]
    cuts = [place for place in range(1, len(named)) if named[place] != named[place - 1]]
    bounds = [0, *cuts, len(named)]
    return [batch.part(start, stop) for start, stop in pairwise(bounds)]


def report_networks(activated: Activated) -> Iterator[Event]:
    """What the artist should hear: warnings, and what became of each LoRA."""
    for text in activated.warnings:
        yield Message(text=text, level="warning")
    yield from activated.reports


def list_misplaced_networks(batch: Batch) -> list[str]:
    """What to say of networks in the negative prompt, where A1111 reads them as words."""
    texts = dict.fromkeys(each.negative_prompt for each in batch.pictures)
    found = [find_networks(text) for text in texts]
    names = [each.name for choices in found for each in (*choices.loras, *choices.hypernetworks)]
    return [
        f"The network {name!r} stands in the negative prompt, where it is read as words. "
        "Write it into the prompt, with a negative weight if need be."
        for name in dict.fromkeys(names)
    ]


def hash_entry(key: str, hashes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """An infotext entry of names and hashes; none if there are none."""
    written = [f"{name.replace(':', '').replace(',', '')}: {short}" for name, short in hashes]
    return {key: ", ".join(written)} if written else {}
