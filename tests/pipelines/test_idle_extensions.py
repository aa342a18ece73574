"""An extension that has every hook and does nothing leaves every byte of latents and pictures as it is."""

from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace

import pytest
import torch
from PIL import Image, ImageDraw

from tests.pipelines.extensions import with_extensions
from tests.pipelines.runs import digest, pictures, request_of
from webui.core.events import Message
from webui.pipelines.generate.generate import generate
from webui.plugins import hookimpl, specs

HOOKS = {name: hook for name, hook in vars(specs).items() if hasattr(hook, "webui_spec")}
# Hooks of a run, of all there are.
OF_A_RUN = {
    "change_request", "wrap_run", "plan_run", "change_planned", "wrap_start", "plan_batch", "wrap_sampling",
    "change_networks", "change_texts", "prepare_denoising",
    "change_latent", "change_batch", "change_image", "finish_run",
}  # fmt: skip
# Of a denoising's lists, those whose functions give back what they were given, and the others.
WRAPPING = ("around_network", "after_guidance")
SEEING = ("before_evaluation", "before_guidance", "before_network", "after_network")


def make_idle(*, gives_back: bool) -> SimpleNamespace:
    """An extension with every hook there is, which returns None, or what it was given first.

    `called` are the hooks that were called.
    """
    called: set[str] = set()

    def implement(name: str) -> Callable[..., object]:
        # The arguments are those of the specification.
        @hookimpl
        @wraps(HOOKS[name])
        def function(*given: object) -> object:
            called.add(name)
            if name == "prepare_denoising":
                stand_by(given[0])
            return given[0] if gives_back and given else None

        return function

    return SimpleNamespace(called=called, **{name: implement(name) for name in HOOKS})


def stand_by(denoising: object) -> None:
    """In every list of a denoising."""
    for name in SEEING:
        getattr(denoising, name).append(lambda *_: None)
    for name in WRAPPING:
        getattr(denoising, name).append(lambda first, *_: first)


class Watcher:
    """Keeps the finished latents."""

    def __init__(self) -> None:
        self.latents: list[torch.Tensor] = []

    @hookimpl
    def change_latent(self, latent):
        self.latents.append(latent.clone())


HIRES = {"hires": {"scale": 2, "upscaler": "Latent", "steps": 2}, "denoising_strength": 0.6}
KINDS = {
    "txt2img, 2x2": {"batch_size": 2, "batch_count": 2, "prompt": "a (cat:1.2) <lora:lora-file:0.8>"},
    "an ancestral sampler": {"sampler": "Euler a", "batch_size": 2},
    "a timestep sampler": {"sampler": "DDIM"},
    "hires fix": HIRES | {"batch_size": 2},
    "hires fix by pixels": HIRES | {"hires": {"scale": 1.5, "upscaler": "Lanczos", "steps": 2}},
    "inpainting": {"inpaints": True, "batch_size": 2},
    "inpainting only masked": {"inpaints": True, "only_masked": True},
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_idle_extension_changes_no_byte(kind, context):
    changes = dict(KINDS[kind])
    only_masked = changes.pop("only_masked", False)
    if changes.pop("inpaints", False):
        init, mask = Image.effect_noise((64, 64), 60).convert("RGB"), Image.new("L", (64, 64))
        ImageDraw.Draw(mask).ellipse((10, 14, 50, 44), fill=255)
        init, mask = (context.inputs.add_image(each) for each in (init, mask))
        changes |= {"init_images": (init,), "inpainting": {"mask": mask, "only_masked": only_masked}}
    request = request_of(seed=11, **changes)
    plain = pictures(generate(request, with_extensions(context)))
    before = digest(context.models)
    watcher = Watcher()
    watched = pictures(generate(request, with_extensions(context, watcher)))
    for gives_back in (False, True):
        idle, beside = make_idle(gives_back=gives_back), Watcher()
        context = with_extensions(context, idle, beside)
        made = pictures(generate(request, context))
        assert idle.called == OF_A_RUN - (set() if request.is_img2img else {"wrap_start"})
        assert [each.image.tobytes() for each in made] == [each.image.tobytes() for each in plain]
        assert [each.infotext for each in made] == [each.infotext for each in plain]
        assert [each.request for each in made] == [each.request for each in plain]
        assert all(torch.equal(*pair) for pair in zip(watcher.latents, beside.latents, strict=True))
        assert not [each for each in context.emit.__self__ if isinstance(each, Message)]
    assert [each.image.tobytes() for each in watched] == [each.image.tobytes() for each in plain]
    assert digest(context.models) == before
