"""Control networks for checkpoints smaller than any published one are recognised by the same rules."""

from pathlib import Path

import pytest
from safetensors.torch import save_file

from tests.extensions.controlnet.control_files import (
    SD2,
    STARTER,
    make_adapter,
    make_controlnet,
    to_authors_adapter,
    to_cldm,
)
from webui.core.model_file import Family, ModelKind
from webui.library.recognise.identify import identify_file

SMALL_XL = ("full_adapter_xl", [32, 32, 64], 16)


@pytest.mark.parametrize("layout", ["diffusers", "cldm"])
@pytest.mark.parametrize(
    ("configuration", "family"), [(STARTER, Family.SD1), (SD2 | {"cross_attention_dim": 256}, Family.SD2)]
)
def test_a_controlnet_that_reads_narrow_text_is_told_by_its_projections(
    configuration: dict[str, object], family: Family, layout: str, tmp_path: Path
) -> None:
    tensors = make_controlnet(configuration).state_dict()
    if layout == "cldm":
        tensors = to_cldm(tensors, int(str(configuration["layers_per_block"])))
    save_file(tensors, tmp_path / "file.safetensors")
    found = identify_file(tmp_path / "file.safetensors")
    assert (found.kind, found.family) == (ModelKind.CONTROLNET, family)


@pytest.mark.parametrize(
    ("stated", "family"),
    [
        ("stable-diffusion-v1/t2i-adapter", Family.SD1),
        ("stable-diffusion-xl-v1-base/t2i-adapter", Family.SDXL),
        ("", Family.SDXL),
        ("something else", Family.SDXL),
    ],
)
@pytest.mark.parametrize("is_authors", [False, True])
def test_an_adapter_for_a_narrow_network_is_for_what_it_says(
    stated: str, family: Family, is_authors: bool, tmp_path: Path
) -> None:
    tensors = make_adapter(*SMALL_XL).state_dict()
    if is_authors:
        tensors = to_authors_adapter(tensors, 2)
    save_file(tensors, tmp_path / "file.safetensors", {"modelspec.architecture": stated})
    found = identify_file(tmp_path / "file.safetensors")
    assert (found.kind, found.family) == (ModelKind.T2I_ADAPTER, family)


def test_an_adapter_as_wide_as_published_ones_is_told_by_its_shapes_whatever_it_says(tmp_path: Path) -> None:
    tensors = make_adapter("full_adapter_xl", [320, 640], 16).state_dict()
    facts = {"modelspec.architecture": "stable-diffusion-v1/t2i-adapter"}
    save_file(tensors, tmp_path / "file.safetensors", facts)
    assert identify_file(tmp_path / "file.safetensors").family is Family.SDXL
