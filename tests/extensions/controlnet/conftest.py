"""Services with control networks of every kind that fit the golden checkpoints."""

from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT
from tests.extensions.controlnet.control_files import make_adapter
from tests.extensions.controlnet.control_runs import TINY_SD15, TINY_SDXL, make_tiny_controlnet, save
from tests.extensions.controlnet.picture_networks import (
    make_control_lora,
    make_image_encoder,
    make_ip_adapter,
    make_lllite,
)
from webui.core.flags import read_flags
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.jobs.services import Services
from webui.main import build_services
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.plugins import Context


@pytest.fixture(scope="session")
def control_services(golden_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Services:
    """Services on the golden checkpoints, computing in 32 bits."""
    home = tmp_path_factory.mktemp("control")
    nets = home / "nets"
    for seed, name in enumerate(("edges", "depths", "poses")):
        save(make_tiny_controlnet(TINY_SD15, seed).state_dict(), nets / f"{name}.safetensors")
    save(make_tiny_controlnet(TINY_SDXL).state_dict(), nets / "edges_xl.safetensors")
    save(
        make_tiny_controlnet(TINY_SD15 | {"cross_attention_dim": 1024}).state_dict(),
        nets / "of_sd2.safetensors",
    )
    save(
        make_tiny_controlnet(TINY_SD15 | {"block_out_channels": (32, 32, 64, 64)}).state_dict(),
        nets / "narrow.safetensors",
    )
    save(make_adapter("full_adapter", [32, 64, 64, 64], 8).state_dict(), nets / "colours.safetensors")
    xl = ("full_adapter_xl", [32, 64, 128, 128], 16)
    save(make_adapter(*xl).state_dict(), nets / "colours_xl.safetensors")
    few = make_adapter("full_adapter", [32, 64, 64], 8)
    save(few.state_dict(), nets / "colours_few.safetensors")
    other = make_adapter("full_adapter", [32, 96, 64, 64], 8)
    save(other.state_dict(), nets / "colours_other.safetensors")
    for kind in ("plain", "plus", "full"):
        save(make_ip_adapter(kind, "sd15"), nets / f"ip_{kind}.safetensors")
    save(make_ip_adapter("plus", "sdxl"), nets / "ip_xl.safetensors")
    save(make_image_encoder("openclip"), home / "models" / "ControlNetPreprocessor" / "vision.safetensors")
    save(make_lllite("sd15"), nets / "lllite.safetensors")
    save(make_lllite("sdxl"), nets / "lllite_xl.safetensors")
    save(make_control_lora(), nets / "control_lora.safetensors")
    arguments = ["--precision", "full", "--use-cpu", "all", "--data-dir", str(home)]
    arguments += ["--ckpt-dir", str(golden_models), "--controlnet-dir", str(nets)]
    return build_services(read_flags(arguments)[0], ROOT)


@pytest.fixture(scope="module")
def control_models(control_services: Services) -> ModelManager:
    """A manager of its own, made and used on the tests' thread."""
    return ModelManager(control_services.catalog, torch.device("cpu"), 2**31)


@pytest.fixture
def control_context(control_models: ModelManager, control_services: Services) -> Context:
    """A run that nobody stops."""
    settings = Settings().changed({"precision": "exact"})
    upscalers = Upscalers(control_models.catalog, control_models.device, exact=True)
    inputs, latents = control_services.inputs, control_services.latents
    return Context(control_models, upscalers, inputs, latents, settings, Stop(), "Atelier test")
