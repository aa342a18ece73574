"""Configurations beside checkpoints: those that are published, and the one by which A1111 was measured."""

import shutil
from pathlib import Path

import pytest

from tests.golden_cases import GOLDENS
from webui.library.recognise.yaml_sidecar import TextSettings, read_sidecar

# As Stability AI published it with SDXL, as far as it is read here.
SDXL = """
model:
  target: sgm.models.diffusion.DiffusionEngine
  params:
    scale_factor: 0.13025
    denoiser_config:
      params: {scaling_config: {target: sgm.modules.diffusionmodules.denoiser_scaling.EpsScaling}}
    network_config: {params: {num_head_channels: 64, use_linear_in_transformer: true}}
    conditioner_config:
      params:
        emb_models:
          - {target: FrozenCLIPEmbedder, params: {layer: hidden, layer_idx: 11}}
          - {target: FrozenOpenCLIPEmbedder2, params: {arch: ViT-bigG-14, layer: penultimate, legacy: false}}
"""
# As CompVis published it with Stable Diffusion 1, and StabilityAI with 2.
SD1 = """
model:
  params:
    scale_factor: 0.18215
    unet_config: {params: {num_heads: 8, context_dim: 768}}
    cond_stage_config: {target: ldm.modules.encoders.modules.FrozenCLIPEmbedder}
"""
SD2 = """
model:
  params:
    parameterization: "v"
    scale_factor: 0.18215
    unet_config: {params: {num_head_channels: 64, context_dim: 1024}}
    cond_stage_config: {params: {freeze: true, layer: "penultimate"}}
"""


@pytest.mark.parametrize(
    ("text", "heads", "size", "prediction", "layers"),
    [
        (SDXL, None, 64, "eps", ("hidden", "penultimate")),
        (SD1, 8, None, None, (None,)),
        (SD2, None, 64, "v", ("penultimate",)),
    ],
    ids=["SDXL", "SD1", "SD2"],
)
def test_published_configurations_are_read(tmp_path: Path, text, heads, size, prediction, layers) -> None:
    (tmp_path / "model.yaml").write_text(text)
    read = read_sidecar(tmp_path / "model.safetensors")
    assert (read.heads, read.head_size, read.prediction) == (heads, size, prediction)
    assert tuple(each.layer for each in read.text) == layers
    # Their text encoders' heads follow from the width.
    assert all(read.text_settings(index).heads is None for index in range(3))


def test_in_the_measured_case_the_first_entry_counts_for_both_text_encoders(tmp_path: Path) -> None:
    shutil.copy(GOLDENS / "tiny-sdxl.yaml", tmp_path / "model.yaml")
    read = read_sidecar(tmp_path / "model.safetensors")
    assert [read.text_settings(index).heads for index in range(2)] == [4, 4]
    assert read.text_settings(2) == TextSettings()
