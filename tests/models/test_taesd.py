"""Tiny autoencoders, against diffusers' own on random numbers."""

from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from safetensors.torch import save_file
from torch import Tensor

from webui.core.errors import UnusableFile
from webui.core.model_file import Family
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.folders import ModelFolders
from webui.models.network_holder import NetworkHolder, NetworkLeases
from webui.models.residency import Residency
from webui.models.vae.taesd import TinyVaes, read_tiny
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def oracle() -> AutoencoderTiny:
    torch.manual_seed(4)
    return AutoencoderTiny().eval().requires_grad_(False)


def original(oracle: AutoencoderTiny, part: str) -> dict[str, Tensor]:
    """As the author's files have it: a decoder's layers are counted from 1."""
    found: dict[str, Tensor] = {}
    for key, tensor in oracle.state_dict().items():
        if key.startswith(f"{part}.layers."):
            number, _, rest = key.removeprefix(f"{part}.layers.").partition(".")
            found[f"{int(number) + (part == 'decoder')}.{rest}"] = tensor.clone()
    return found


def decoded(oracle: AutoencoderTiny, latent: Tensor) -> Tensor:
    """diffusers gives -1 to 1."""
    return (oracle.decode(latent, return_dict=False)[0] / 2 + 0.5).clamp(0, 1)


@torch.no_grad()
def test_both_parts_in_one_file_are_those_of_diffusers(oracle):
    tiny = read_tiny(oracle.state_dict(), "taesd", CPU)
    latent, images = torch.randn(2, 4, 8, 8) * 3, torch.rand(2, 3, 32, 48)
    torch.testing.assert_close(tiny.decode(latent), decoded(oracle, latent))
    expected = oracle.encode(images * 2 - 1, return_dict=False)[0]
    torch.testing.assert_close(tiny.encode(images), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_authors_own_files_are_read(oracle):
    latent, images = torch.randn(1, 4, 8, 8), torch.rand(1, 3, 32, 32)
    decoder = read_tiny(original(oracle, "decoder"), "taesd_decoder.pth", CPU)
    encoder = read_tiny(original(oracle, "encoder"), "taesd_encoder.pth", CPU)
    assert (decoder.encoder, encoder.decoder) == (None, None)
    torch.testing.assert_close(decoder.decode(latent), decoded(oracle, latent))
    expected = oracle.encode(images * 2 - 1, return_dict=False)[0]
    torch.testing.assert_close(encoder.encode(images), expected, rtol=1e-4, atol=1e-5)


def test_another_file_is_refused():
    with pytest.raises(UnusableFile):
        read_tiny({"a.weight": torch.zeros(1)}, "other", CPU)


def test_each_family_gets_its_own(oracle, tmp_path: Path):
    for name in ("taesd_decoder", "taesdxl_decoder"):
        scale = 2.0 if "xl" in name else 1.0
        tensors = {key: (tensor * scale).contiguous() for key, tensor in original(oracle, "decoder").items()}
        save_file(tensors, tmp_path / f"{name}.safetensors")
    catalog = Catalog(ModelFolders((tmp_path,)), HeaderCache(Database(IN_MEMORY)))
    catalog.scan()
    tiny, leases = TinyVaes(catalog, CPU), NetworkLeases(NetworkHolder(10**9, Residency.of_device(CPU)))
    first, second = (tiny.for_family(family, leases) for family in (Family.SD1, Family.SDXL))
    assert first.decoder is not None
    assert second.decoder is not None
    assert torch.equal(first.decoder.layers[0].weight * 2, second.decoder.layers[0].weight)
    assert tiny.for_family(Family.SD2, leases).decoder is first.decoder
    assert first.encoder is None
