"""Hooks around models: what extensions offer, which checkpoint runs, and networks that they registered."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from webui.plugins.specs import hookimpl

if TYPE_CHECKING:
    from webui.core.request import GenerationRequest
    from webui.diffusion.denoising import Denoising
    from webui.plugins.batch import Batch
    from webui.plugins.context import Context
    from webui.prompts.networks import NetworkChoices

# By attributes named so scripts set units of ControlNet.
UNIT_ATTRIBUTES = "control_net_"


@hookimpl(tryfirst=True)
def prepare_page() -> None:
    """Before the page lists upscalers."""
    offer_upscalers()


@hookimpl
def startup(services: Any) -> None:  # noqa: ANN401 - of a floor above
    """The same where there is no page."""
    del services
    offer_upscalers()


@hookimpl
def page_served() -> None:
    """The tabs' scripts are made: ControlNet is among them where an extension asks for it."""
    if "lib_controlnet.external_code" in sys.modules:
        importlib.import_module("lib_controlnet.script").add_to_runners()


@hookimpl
def shutdown() -> None:
    """Keep nothing of a job."""
    from webui.compat.a1111.facades import running_context  # torch-free, but only needed at the end

    running_context.forget()


def offer_upscalers() -> None:
    """Have extensions' upscalers and face restorers among ours, where one imported what they derive from."""
    if not {"modules.upscaler", "modules.shared"} & set(sys.modules):
        return
    # Loads torch, which the start does without where no extension asks for it.
    from webui.compat.a1111.facades import model_offers

    model_offers.offer_all()


@hookimpl(tryfirst=True)
def change_request(request: GenerationRequest, context: Context) -> GenerationRequest | None:
    """A run begins: names that compute use its context; it has the units that its object was given."""
    from webui.compat.a1111.facades import running_context  # on the device's thread alone

    running_context.remember(context, request.model)
    return with_extras(request, running_context.pending_object())


@hookimpl(trylast=True)
def change_planned(request: GenerationRequest, context: Context) -> GenerationRequest | None:
    """The same after all `process` of A1111's scripts."""
    from webui.compat.a1111.facades import running_context  # as above

    running_context.remember(context, request.model)
    return with_extras(request, running_context.object_of(context))


def with_extras(request: GenerationRequest, p: Any) -> GenerationRequest | None:  # noqa: ANN401 - A1111's `p`
    """The request with what its object was given for our own extensions; None if nothing."""
    from webui.compat.a1111.facades import running_context  # as above

    if any(name.startswith(UNIT_ATTRIBUTES) for name in getattr(p, "__dict__", ())):
        # Brings our ControlNet, which few ask for.
        from webui.compat.a1111.facades import control_units

        control_units.take_attributes(p)
    return running_context.with_native_extras(request, p)


@hookimpl(tryfirst=True)
def plan_batch(batch: Batch, context: Context) -> None:
    """The same after an inner run."""
    from webui.compat.a1111.facades import running_context  # as above

    running_context.remember(context, batch.request.model)


@hookimpl(tryfirst=True)
def change_networks(choices: NetworkChoices, batch: Batch, context: Context) -> NetworkChoices | None:
    """Let networks of kinds that extensions registered act, and list LoRAs that are used.

    First, for what such a network makes of the marks is what others read.
    """
    from webui.compat.a1111.facades import prompt_networks, running_context  # as above

    prompt_networks.note_used(choices)
    changed = prompt_networks.with_given_embeddings(choices)
    if not (prompt_networks.registered_kinds() or prompt_networks.is_lora_replaced()):
        return None if changed is choices else changed
    p = running_context.object_of(context)
    if p is not None:
        prompt_networks.activate(p, batch)
        changed = prompt_networks.with_loaded(changed)
    changed = replace(changed, warnings=prompt_networks.without_registered(changed.warnings))
    return None if changed == choices else changed


@hookimpl
def prepare_denoising(denoising: Denoising, context: Context) -> None:
    """Have LoRAs follow the multipliers that extensions change while a pass runs."""
    module = sys.modules.get("networks")
    if module is None or not module.loaded_networks:
        return
    from webui.compat.a1111.denoising.changing_loras import ChangingLoras  # loads torch

    networks = context.models.networks_on(denoising.network)
    if networks is not None:
        denoising.around_network.append(ChangingLoras(denoising, networks, list(module.loaded_networks)))


@hookimpl(tryfirst=True)
def finish_run(request: GenerationRequest, context: Context) -> None:
    """Tell the networks that a run named that it is done."""
    from webui.compat.a1111.facades import prompt_networks, running_context  # as above

    if prompt_networks.registered_kinds() or prompt_networks.is_lora_replaced():
        prompt_networks.deactivate(running_context.object_of(context), request)
