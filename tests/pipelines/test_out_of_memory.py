"""Memory that runs out at any stage: the same picture comes, or a sentence, and the next job works."""

import gc
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.library.picture_files import catalog_of, weights, write
from tests.pipelines.runs import digest, pictures, request_of
from webui.core.errors import InvalidNumbers, OutOfMemory
from webui.core.flags import read_flags
from webui.core.stop import Stop
from webui.core.work.kinds import ModelsRequest
from webui.diffusion.text_encoder import TextEncoder
from webui.jobs.local_worker import LocalWorker
from webui.models.images.upscalers import Upscalers
from webui.models.loader import CheckpointFile
from webui.models.sliced_attention import sliced_attention
from webui.models.unet import UNet, UNetCall
from webui.models.vae.vae import Vae
from webui.pipelines.generate.generate import generate

LACK = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")


@pytest.fixture(autouse=True)
def quick_collection():
    """As in the server: what was there before is not looked through for garbage each time."""
    gc.freeze()
    yield
    gc.unfreeze()


@contextmanager
def failing(owner: type, name: str, fails, monkeypatch):
    """A method that runs out of memory at the calls for which `fails(number, arguments)` says so."""
    work, calls = getattr(owner, name), []

    def attempted(self, *given, **named):
        calls.append(given)
        if fails(len(calls), given):
            raise LACK
        return work(self, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, attempted)
        yield calls


def same(one, other) -> bool:
    """Whether pictures are equal, but for a rounding of 8 bits: a network that is loaded again lies elsewhere
    in memory, where kernels round otherwise.
    """
    return all(
        np.abs(np.asarray(a.image, int) - np.asarray(b.image, int)).max() <= 1
        for a, b in zip(one, other, strict=True)
    )


STAGES = {
    "reading the prompt": (TextEncoder, "encode_plan", 1),
    "the first evaluation": (UNet, "_run", 1),
    "a later evaluation": (UNet, "_run", 2),
    "decoding": (Vae, "_decode_one", 1),
    "encoding": (Vae, "_encode_one", 1),
    "loading": (CheckpointFile, "load", 1),
}


@pytest.mark.parametrize("stage", STAGES)
def test_memory_that_is_short_once_changes_no_picture(context, monkeypatch, stage):
    owner, name, number = STAGES[stage]
    image = context.inputs.add_image(Image.effect_noise((64, 64), 40).convert("RGB"))
    request = request_of(init_images=[image], steps=4, sampler="Euler a", seed=7)
    expected = pictures(generate(request, context))
    context.models.unload()
    # Something idle, which goes when memory is short.
    with context.models.use("tiny-b", precision="exact"):
        pass
    with failing(owner, name, lambda call, _: call == number, monkeypatch) as calls:
        made = pictures(generate(request, context))
    assert len(calls) > number
    assert same(made, expected)
    assert [model.file.stem for model in context.models.loaded()] == ["tiny-sd15"]


@pytest.mark.parametrize(
    "changes", [{"batch_size": 2}, {"tiling": True}, {"options": {"token_merging_ratio": 0.5}}], ids=repr
)
def test_a_batch_that_is_too_large_goes_row_by_row_to_the_same_pictures(context, monkeypatch, changes):
    request = request_of(steps=3, seed=3, **changes)
    # A network remembers for a while what did not fit, and tells of it once.
    context.models.unload()
    expected = pictures(generate(request, context))
    before = digest(context.models)
    with failing(UNet, "_run", lambda _, given: len(given[0].latent) > 1, monkeypatch):
        events = list(generate(request, context))
    made = pictures(events)
    for one, other in zip(made, expected, strict=True):
        assert np.abs(np.asarray(one.image, int) - np.asarray(other.image, int)).max() <= 1
    assert [event.text for event in events if "row after the other" in getattr(event, "text", "")]
    assert digest(context.models) == before


def test_attention_in_slices_gives_the_same_numbers_and_leaves_no_trace(context):
    generator = torch.Generator().manual_seed(0)
    latent, text = torch.randn(2, 4, 16, 16, generator=generator), torch.randn(2, 77, 64, generator=generator)
    with context.models.use("tiny-sd15", precision="exact") as sd, torch.no_grad():
        text = torch.randn(2, 77, sd.network.context, generator=generator)
        whole = sd.network(latent, torch.tensor([500.0, 20.0]), text)
        processors = dict(sd.network.unet.attn_processors)
        with sliced_attention(sd.network.unet, 7):
            sliced = sd.network(latent, torch.tensor([500.0, 20.0]), text)
        assert dict(sd.network.unet.attn_processors) == processors
    torch.testing.assert_close(sliced, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stage", STAGES)
def test_memory_that_is_always_short_is_a_sentence_and_the_next_job_works(context, monkeypatch, stage):
    owner, name, _ = STAGES[stage]
    image = context.inputs.add_image(Image.effect_noise((64, 64), 40).convert("RGB"))
    request = request_of(init_images=[image], steps=4, seed=7)
    expected = pictures(generate(request, context))
    context.models.unload()
    with failing(owner, name, lambda *_: True, monkeypatch), pytest.raises(OutOfMemory) as refused:
        list(generate(request, context))
    assert any(word in str(refused.value) for word in ("Lower", "lower", "smaller", "Close"))
    after = pictures(generate(request, context))
    assert same(after, expected)


def test_an_upscaler_goes_on_with_the_same_tiles_once_idle_networks_are_gone(tmp_path, monkeypatch):
    write(tmp_path / "ESRGAN", "Compact.safetensors", weights("Compact"))
    write(tmp_path / "ESRGAN", "SPAN.safetensors", weights("SPAN"))
    upscalers = Upscalers(catalog_of(tmp_path), torch.device("cpu"))
    photo = Image.effect_noise((96, 96), 40).convert("RGB")
    expected = upscalers.upscale(photo, 2, "Compact", tile=0, overlap=0)
    upscalers.upscale(photo, 2, "SPAN", tile=0, overlap=0)
    network = upscalers.lease(next(f for f in upscalers.catalog.files() if f.stem == "Compact"))
    with network as held, failing(type(held), "run", lambda call, _: call == 1, monkeypatch):
        made = upscalers.upscale(photo, 2, "Compact", tile=0, overlap=0)
    assert np.array_equal(np.asarray(made), np.asarray(expected))
    assert upscalers.take_messages() == []
    assert [each.file.stem for each in upscalers.loaded()] == ["Compact"]


@pytest.fixture(scope="module")
def worker(exact_services) -> LocalWorker:
    flags = read_flags(["--use-cpu", "all", "--precision", "full"])[0]
    services = exact_services
    return LocalWorker(services.catalog, services.inputs, services.latents, flags, "Atelier test")


def test_memory_that_runs_out_anywhere_else_is_a_sentence_too(worker, context, monkeypatch):
    request = request_of(steps=2)
    with monkeypatch.context() as patch:
        patch.setattr("webui.pipelines.generate.passes.Previewer.at", lambda *_: (_ for _ in ()).throw(LACK))
        with pytest.raises(OutOfMemory, match="--medvram"):
            list(worker.run(request, context.settings, Stop()))
    assert pictures(worker.run(request, context.settings, Stop()))


def test_models_leave_the_memory_and_come_back_on_request(worker, context):
    settings = context.settings.changed({"sd_model_checkpoint": "tiny-sd15"})
    list(worker.run(request_of(steps=1), settings, Stop()))
    list(worker.run(ModelsRequest(action="unload"), settings, Stop()))
    assert worker._models.holder.values() == []
    list(worker.run(ModelsRequest(action="load"), settings, Stop()))
    assert [model.file.stem for model in worker._models.loaded()] == ["tiny-sd15"]


def test_a_job_with_other_settings_between_two_equal_ones_changes_nothing(context):
    plain = request_of(seed=5)
    before = pictures(generate(plain, context))
    others = request_of(
        seed=5,
        tiling=True,
        vae="None",
        options={"sd_vae_decode_method": "TAESD"},
        hires={"scale": 2, "model": "tiny-b"},
    )
    other = replace(context, settings=context.settings.changed({"auto_vae_precision": False}))
    list(generate(others, other))
    assert same(pictures(generate(plain, context)), before)


def test_the_base_stays_while_the_checkpoint_of_hires_fix_is_loaded(context):
    context.models.unload()
    context.models.holder.budget_bytes = 1
    try:
        request = request_of(hires={"scale": 2, "model": "tiny-b"}, seed=2, batch_count=2)
        made = pictures(generate(request, context))
    finally:
        context.models.set_budget(2**31)
    assert same(made, pictures(generate(request, context)))


class GivesNanInHalf(nn.Module):
    """Stands for a device that is looked at seldom: numbers are invalid while the network is in 16 bits."""

    def __init__(self, first_bad: int) -> None:
        super().__init__()
        self.first_bad = first_bad
        self.calls = 0

    def __call__(self, network, given, output):
        self.calls += 1
        is_bad = network.dtype != torch.float32 and self.calls >= self.first_bad
        return (output[0] * torch.nan,) if is_bad else output


@pytest.mark.parametrize("first_bad", [1, 3, 7])
def test_nan_of_half_precision_is_seen_late_and_the_pass_begins_again_in_32_bits(
    context, monkeypatch, first_bad
):
    request, noted = request_of(steps=7, seed=4), []
    expected = pictures(generate(request, context))
    # As on a card: the output is not looked at in each evaluation.
    monkeypatch.setattr(UNet, "forward", late_forward)
    context.models.unload()
    with context.models.use("tiny-sd15", precision="exact") as sd:
        sd.network.unet.bfloat16()
        sd.network.falls_back, sd.network.evaluations_per_look = True, 5
        faults = GivesNanInHalf(first_bad)
        hook = sd.network.unet.register_forward_hook(lambda *given: faults(sd.network, *given[1:]))
        try:
            events = list(generate(request, context))
        finally:
            hook.remove()
        noted += [event.text for event in events if "computes in 32 bits" in getattr(event, "text", "")]
    assert len(noted) == 1
    difference = np.asarray(pictures(events)[0].image, int) - np.asarray(expected[0].image, int)
    # The weights were rounded to 16 bits on the way.
    assert np.abs(difference).mean() < 4


def late_forward(self, latent, timestep, crossattn, vector=None, **residuals):
    """`UNet.forward` as on a card."""
    output = self._evaluate(UNetCall(latent, timestep, crossattn, vector, residuals))
    if self.falls_back and self.dtype != torch.float32:
        self._note(output)
    return output


def test_a_picture_of_no_numbers_never_reaches_the_artist(context, monkeypatch):
    decode_one = Vae._decode_one
    monkeypatch.setattr(Vae, "_decode_one", lambda self, latent: decode_one(self, latent) * torch.nan)
    with pytest.raises(InvalidNumbers, match="nothing to show"):
        list(generate(request_of(), context))
