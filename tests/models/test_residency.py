"""Parts of models wait off the device and come when they are used; nothing of it changes a number."""

import gc

import pytest
import torch
from torch import nn

from tests.models.loras import lora_file, matrices, random_lora
from tests.models.moving import CountingMover, residency_of, watched
from tests.models.small_checkpoints import NARROW, small_checkpoint, write
from webui.core.errors import OutOfMemory
from webui.core.flags import read_flags
from webui.diffusion.text_encoder import EncodingOptions
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.folders import ModelFolders
from webui.models.loaded_model import LoadedModel
from webui.models.loras.lora import WeightedLora
from webui.models.manager import ModelManager, PrecisionRules, offloading_of
from webui.models.residency import CPU, Offloading, Residency
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write(folder / "one.safetensors", small_checkpoint(NARROW))
    write(folder / "two.safetensors", {key: each + 0.01 for key, each in small_checkpoint(NARROW).items()})
    return folder


def manager_of(folder, residency=None) -> ModelManager:
    catalog = Catalog(ModelFolders((folder,)), HeaderCache(Database(IN_MEMORY)))
    catalog.scan()
    return ModelManager(catalog, CPU, 10**12, PrecisionRules(all_exact=True), residency)


def aligned(model: LoadedModel) -> LoadedModel:
    """With weights in memory of their own: kernels round otherwise where a file's numbers begin anywhere."""
    for module in model.modules():
        for weight in module.parameters():
            weight.data = weight.data.clone()
    return model


@torch.no_grad()
def work(model: LoadedModel) -> list[torch.Tensor]:
    """A prompt read, two evaluations, a picture, and that encoded again."""
    (text,) = model.read_text(lambda: model.text_encoder.encode(["a cat"], EncodingOptions()))
    latent = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    crossattn = text.crossattn.expand(2, -1, -1)
    for level in (900.0, 100.0):
        latent = latent - 0.1 * model.network(latent, torch.tensor([level, level]), crossattn)
    pictures = model.decode(latent)
    return [text.crossattn, latent, pictures, model.encode(pictures)]


@pytest.mark.parametrize("offloading", [Offloading.PARTS, Offloading.LAYERS])
def test_what_waits_off_the_device_gives_the_same_numbers(folder, offloading):
    with manager_of(folder).use("one") as plain:
        expected = work(aligned(plain))
    mover = CountingMover(starts_there=False)
    manager = manager_of(folder, residency_of(mover, offloading))
    with manager.use("one") as model, watched(mover) as astray:
        for _ in range(2):
            assert all(torch.equal(a, b) for a, b in zip(work(model), expected, strict=True))
        assert not astray
        assert not any(layer._forward_pre_hooks for layer in model.network.modules())
        sizes = [sum(w.numel() * 4 for w in module.parameters()) for module in model.modules()]
    # At no time more than the largest part, and with --lowvram much less than the U-Net.
    network = sizes[0]
    others = max(sizes[1:])
    assert mover.most_bytes < max(network, others) * 1.01
    if offloading is Offloading.LAYERS:
        assert mover.most_bytes < max(network * 0.7, others * 1.01)
    # Nothing was changed on the device, so nothing had to be copied back.
    assert mover.fetched == 0


@torch.no_grad()
def test_a_lora_on_weights_that_wait_gives_the_same_numbers_and_leaves_none(folder, tmp_path):
    with manager_of(folder).use("one") as plain:
        file = lora_file(tmp_path / "lora.safetensors", random_lora(matrices(plain)))
        before = work(aligned(plain))
        plain.networks.use([WeightedLora(plain.networks.lora(file), 1.0, 1.0)])
        changed = work(plain)
    mover = CountingMover(starts_there=False)
    with manager_of(folder, residency_of(mover)).use("one") as model, watched(mover) as astray:
        assert all(torch.equal(a, b) for a, b in zip(work(model), before, strict=True))
        for _ in range(2):
            model.networks.use([WeightedLora(model.networks.lora(file), 1.0, 1.0)])
            assert all(torch.equal(a, b) for a, b in zip(work(model), changed, strict=True))
            model.networks.use([])
            assert all(torch.equal(a, b) for a, b in zip(work(model), before, strict=True))
    assert not astray


def test_idle_parts_make_room_for_a_part_that_does_not_fit(folder):
    with manager_of(folder).use("one") as plain:
        expected = work(aligned(plain))
        sizes = [sum(w.numel() * 4 for w in module.parameters()) for module in plain.modules()]
    mover = CountingMover(starts_there=False, room_bytes=int(max(sizes) * 1.1))
    manager = manager_of(folder, residency_of(mover, Offloading.NONE))
    with manager.use("one") as model:
        assert all(torch.equal(a, b) for a, b in zip(work(model), expected, strict=True))


def test_a_part_that_never_fits_is_refused_with_a_sentence_and_stays_whole():
    layer = nn.Linear(8, 8)
    before = layer.weight.clone()
    mover = CountingMover(starts_there=False, room_bytes=8 * 8 * 4 + 1)
    part = residency_of(mover).add([layer])
    with pytest.raises(OutOfMemory, match="--lowvram"), part.using():
        pass
    assert torch.equal(layer.weight, before)
    assert mover.used_bytes == 0


def test_weights_changed_on_the_device_come_back_changed():
    layer = nn.Linear(4, 4, bias=False).requires_grad_(False)
    mover = CountingMover(starts_there=False)
    residency = residency_of(mover)
    part = residency.add([layer])
    with part.using():
        layer.weight.add_(1)
        expected = layer.weight.clone()
    residency.offload_idle()
    assert torch.equal(layer.weight, expected)
    with part.using():
        assert torch.equal(layer.weight, expected)


def test_what_is_used_is_not_moved_away():
    one, two = nn.Linear(4, 4), nn.Linear(4, 4)
    mover = CountingMover(starts_there=False)
    residency = residency_of(mover)
    first, second = residency.add([one]), residency.add([two])
    with first.using(), second.using():
        residency.offload_idle()
        assert mover.is_there(one.weight)
        assert mover.is_there(two.weight)


def test_a_model_that_is_let_go_is_not_held_by_where_its_parts_were(folder):
    mover = CountingMover(starts_there=False)
    manager = manager_of(folder, residency_of(mover))
    with manager.use("one"):
        pass
    manager.unload()
    gc.collect()
    assert not list(manager.holder.residency._parts)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Offloading.NONE),
        (["--medvram"], Offloading.PARTS),
        (["--medvram-sdxl"], Offloading.PARTS),
        (["--lowvram", "--medvram"], Offloading.LAYERS),
    ],
)
def test_the_flags_of_a1111_say_what_waits(words, expected):
    assert offloading_of(read_flags(words)[0]) is expected


def test_a_processor_has_no_other_memory():
    residency = Residency.of_device(CPU, Offloading.LAYERS)
    part = residency.add([nn.Linear(2, 2)])
    assert part.is_on_device
    assert not residency.offload_idle()
