"""The manager: what stays loaded, what is swapped, and that a failure changes nothing."""

import gc
import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.models.small_checkpoints import NARROW, SMALL_VAE, random_tensors, small_checkpoint, write
from webui.core.errors import InvalidNumbers, ModelNotFound, UnusableFile
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.folders import ModelFolders
from webui.library.files.headers import read_header
from webui.models.architectures.vae import build_vae
from webui.models.cpu.packed_layers import can_pack, pack_layer
from webui.models.cpu.precision import EXACT, NumberFormats
from webui.models.loaded_model import LoadedModel
from webui.models.loader import measure_stored_weights
from webui.models.manager import ModelManager, PrecisionRules
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, shift in (("one", 0.0), ("two", 0.01), ("three", 0.02)):
        tensors = {key: tensor + shift for key, tensor in small_checkpoint(NARROW).items()}
        write(tmp_path / f"{name}.safetensors", tensors)
    write(tmp_path / "other.vae.safetensors", random_tensors(build_vae(SMALL_VAE, 0.18215), 9))
    write(tmp_path / "bare.safetensors", small_checkpoint(NARROW, vae=False))
    return tmp_path


@pytest.fixture
def manager(folder: Path) -> ModelManager:
    catalog = Catalog(ModelFolders((folder,)), HeaderCache(Database(IN_MEMORY)))
    catalog.scan()
    return ModelManager(catalog, CPU, 10**12, PrecisionRules(all_exact=True))


def digest(module: torch.nn.Module) -> str:
    found = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        found.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return found.hexdigest()


def using(manager: ModelManager, name: str, vae: str = "Automatic") -> LoadedModel:
    with manager.use(name, vae) as model:
        return model


def test_a_kept_model_is_the_same_object(manager: ModelManager) -> None:
    first = using(manager, "one")
    assert using(manager, "two").network is not first.network
    assert using(manager, "one").network is first.network
    assert len(manager.loaded()) == 2


def test_the_longest_unused_goes_when_the_budget_is_full(manager: ModelManager) -> None:
    one = using(manager, "one")
    manager.set_budget(int(one.size_bytes * 2.5))
    for name in ("two", "one", "three"):
        using(manager, name)
    assert [model.file.stem for model in manager.loaded()] == ["one", "three"]


def test_one_model_is_kept_even_if_it_is_larger_than_the_budget(manager: ModelManager) -> None:
    manager.set_budget(1)
    using(manager, "one")
    assert [model.file.stem for model in (using(manager, "two"), *manager.loaded())] == ["two", "two"]
    assert len(manager.holder.values()) == 2


@pytest.mark.skipif(not can_pack(torch.float32), reason="this torch cannot pack weights")
@torch.no_grad()
def test_copies_of_unchanged_weights_wait_where_memory_is_free_for_them(manager: ModelManager) -> None:
    using(manager, "one")
    (one,) = manager.loaded()
    # A network this small is not packed for its own sake.
    one.numbers = replace(one.numbers, packed=True)
    layer = one.network.packed_one = pack_layer(nn.Linear(64, 64))
    using(manager, "one")
    assert not one.keeps_unchanged, "nobody knows yet how large they will be"
    layer(torch.zeros(1, 64))
    assert one.packed_bytes
    assert using(manager, "one").keeps_unchanged
    room = manager.holder.used_bytes + one.packed_bytes
    manager.set_budget(room - 1)
    assert not using(manager, "one").keeps_unchanged
    manager.set_budget(room)
    assert using(manager, "one").keeps_unchanged
    manager.set_budget(10**12)
    using(manager, "two")
    assert not one.keeps_unchanged


def test_a_vae_is_swapped_and_the_own_one_comes_back_bit_equal(manager: ModelManager) -> None:
    model = using(manager, "one")
    network, own = digest(model.network), digest(model.vae.module)
    swapped = using(manager, "one", "other.vae")
    assert swapped.network is model.network
    assert digest(swapped.vae.module) != own
    assert (swapped.vae_file and swapped.vae_file.name) == "other.vae.safetensors"
    again = using(manager, "one", "None")
    assert again.vae is model.vae
    assert digest(again.vae.module) == own
    assert again.vae_file is None
    assert digest(model.network) == network


def test_a_model_first_loaded_with_another_vae_finds_its_own(manager: ModelManager) -> None:
    expected = digest(using(manager, "one").vae.module)
    manager.unload()
    assert digest(using(manager, "one", "other.vae").vae.module) != expected
    assert digest(using(manager, "one").vae.module) == expected


def test_a_failure_leaves_the_model_before_usable(manager: ModelManager, folder: Path) -> None:
    model = using(manager, "one")
    before = [digest(module) for module in model.modules()]
    (folder / "cut.safetensors").write_bytes((folder / "two.safetensors").read_bytes()[:5000])
    for name, vae, error in (
        ("nowhere", "Automatic", ModelNotFound),
        ("cut", "Automatic", UnusableFile),
        ("bare", "Automatic", UnusableFile),
        ("one", "nowhere", ModelNotFound),
        ("other.vae", "Automatic", UnusableFile),
    ):
        with pytest.raises(error):
            using(manager, name, vae)
        assert using(manager, "one").network is model.network
    assert [digest(module) for module in model.modules()] == before


def test_a_file_cut_off_since_the_scan_is_refused(manager: ModelManager, folder: Path) -> None:
    model = using(manager, "one")
    path = folder / "two.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UnusableFile, match="1,000 bytes are missing"):
        using(manager, "two")
    assert using(manager, "one").network is model.network


def test_a_checkpoint_without_vae_runs_with_one_that_was_chosen(manager: ModelManager) -> None:
    with pytest.raises(UnusableFile, match="choose one in the VAE list"):
        using(manager, "bare")
    assert using(manager, "bare", "other.vae").vae_file is not None


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells what is resident")
def test_thirty_switches_leave_the_memory_as_it_was(manager: ModelManager) -> None:
    one = using(manager, "one")
    # Room for two of the three.
    manager.set_budget(int(one.size_bytes * 2.5))
    names = ["one", "two", "three"] * 10
    for name in names[:9]:
        using(manager, name)
    before = resident_bytes()
    for name in names:
        using(manager, name)
    assert resident_bytes() <= before * 1.03
    assert manager.holder.used_bytes <= manager.holder.budget_bytes


def resident_bytes() -> int:
    """Memory that the process takes, after the collector of garbage."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_a_model_in_use_stays_while_others_are_loaded(manager: ModelManager) -> None:
    manager.set_budget(1)
    with manager.use("one") as base:
        before = digest(base.network)
        for name in ("two", "three"):
            with manager.use(name):
                assert base.network in [model.network for model in manager.loaded()]
        assert digest(base.network) == before
    using(manager, "two")
    assert [model.file.stem for model in manager.loaded()] == ["two"]


def test_the_room_asked_for_is_that_of_the_loaded_formats(manager: ModelManager, folder: Path) -> None:
    tensors = {key: tensor.half() for key, tensor in small_checkpoint(NARROW).items()}
    write(folder / "half.safetensors", tensors)
    model = using(manager, "half")
    stored = measure_stored_weights(read_header(folder / "half.safetensors"))
    expected = stored.checkpoint_bytes(model.numbers) + stored.vae * model.numbers.vae.itemsize
    assert expected == pytest.approx(model.size_bytes, rel=0.01)
    assert expected == pytest.approx(2 * (folder / "half.safetensors").stat().st_size, rel=0.02)


def test_another_thread_may_not_use_it(manager: ModelManager) -> None:
    raised: list[BaseException] = []

    def elsewhere() -> None:
        try:
            using(manager, "one")
        except AssertionError as error:
            raised.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(raised) == 1


def test_exact_is_32_bits_whatever_the_file_holds(manager: ModelManager, folder: Path) -> None:
    write(
        folder / "half.safetensors", {key: tensor.half() for key, tensor in small_checkpoint(NARROW).items()}
    )
    model = using(manager, "half")
    assert model.numbers == EXACT
    assert {p.dtype for module in model.modules() for p in module.parameters()} == {torch.float32}


def test_a_network_that_gives_nan_in_half_goes_to_32_bits_and_says_so(manager: ModelManager) -> None:
    model = using(manager, "one")
    network = model.network
    network.unet.half()
    network.falls_back = True
    with torch.no_grad():
        # Finite in float16, but their product is not.
        network.unet.conv_in.weight.fill_(60000.0)
        output = network(torch.ones(1, 4, 8, 8), torch.tensor([10.0]), torch.zeros(1, 77, 32))
    assert output.isfinite().all()
    assert network.dtype == torch.float32
    assert ["computes in 32 bits" in message for message in model.take_messages()] == [True]
    assert model.take_messages() == []
    with manager.use("one"):
        pass
    assert using(manager, "one").network is not model.network


def test_a_vae_that_gives_nan_in_half_computes_in_32_bits_and_says_so_once(manager: ModelManager) -> None:
    model = using(manager, "one")
    model.vae.module.half()
    with torch.no_grad():
        model.vae.module.post_quant_conv.weight.fill_(60000.0)
    before, latent = digest(model.vae.module), torch.ones(1, 4, 4, 4) * 10
    model.vae_fallback.is_enabled = True
    assert torch.equal(model.decode(latent), model.decode(latent))
    assert ["computes in 32 bits" in message for message in model.take_messages()] == [True]
    # The next job finds the VAE as it was, and may not want 32 bits.
    assert digest(model.vae.module) == before
    with pytest.raises(InvalidNumbers, match="nothing to show"):
        using(manager, "one").decode(latent)


def test_conditionings_are_made_once_and_told_apart_by_model(manager: ModelManager) -> None:
    made: list[str] = []
    keys = [using(manager, name).text_key for name in ("one", "two", "one")]

    def make(name: str) -> tuple[()]:
        made.append(name)
        return ()

    for key in keys:
        manager.conditioning.get_or_make((key, "a cat"), lambda key=key: make(str(key)))
    assert len(made) == 2
    assert keys[0] == keys[2] != keys[1]


def test_posterior_noise_moves_the_latent_by_its_deviation(manager: ModelManager) -> None:
    vae = using(manager, "one").vae
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    mean = vae.encode(images)
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(1))
    one, two = vae.encode(images, noise) - mean, vae.encode(images, noise * 2) - mean
    assert mean.shape == (2, 4, 4, 4)
    torch.testing.assert_close(two, one * 2, rtol=1e-3, atol=1e-5)
    assert (one.sign() == noise.sign()).all()


def test_numbers_say_whether_they_are_exact() -> None:
    assert EXACT.is_exact
    assert not NumberFormats(torch.float32, torch.bfloat16, torch.float32, channels_last=True).is_exact
