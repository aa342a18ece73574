"""The engine on a GPU: exact, half precision, out of memory, memory flags. `pytest -m gpu [--device cpu]`."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.engine import Engine, write_random_checkpoint
from tests.golden_cases import FAMILIES, NETWORKS, GoldenCase, golden_cases
from webui.core.request_infotext import read_infotext
from webui.diffusion.noise import make_generator
from webui.models.cpu.precision import NumberFormats
from webui.models.loader import load

pytestmark = pytest.mark.gpu
EXACT = {"precision": "exact"}
# Of 256: what another order of the same 32-bit operations may move a pixel by, and what half precision may.
EXACT_LEVELS, HALF_LEVELS = 1, 4
# DPM adaptive magnifies rounding (see tests/api/test_goldens.py); the others need files or options that an
# infotext does not carry.
NOT_FROM_INFOTEXT = ("dpm-adaptive", "checkpoint", "refiner", "rng-nv", "styles", "infotext-api")


def plain_cases() -> list[GoldenCase]:
    """Golden text-to-image cases that their own infotext describes whole."""
    return [
        case
        for case in golden_cases()
        if case.data["endpoint"].endswith("txt2img")
        and not NETWORKS.search(case.payload.get("prompt", ""))
        and not case.payload.get("override_settings")
        and not any(word in case.data["id"] for word in NOT_FROM_INFOTEXT)
        and len(case.pictures) == 1
    ]


@pytest.fixture(scope="module")
def golden_engine(models: Path, device: torch.device, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One engine for all goldens."""
    on_cpu = ["--use-cpu", "all"] if device.type == "cpu" else []
    return Engine(models, tmp_path_factory.mktemp("goldens"), on_cpu)


def fields_of(case: GoldenCase) -> dict[str, object]:
    """The request that a golden's infotext describes, with the processor's noise, as A1111 drew it."""
    fields = read_infotext(case.data["info"]["infotexts"][0])
    options = {**fields.pop("options", {}), "randn_source": "CPU"}
    return fields | {"model": f"{FAMILIES[case.family]}.safetensors", "vae": "None", "options": options}


@pytest.mark.parametrize("case", plain_cases(), ids=str)
def test_exact_pictures_are_those_of_a1111(case: GoldenCase, golden_engine: Engine):
    made = golden_engine.picture(EXACT, **fields_of(case)).numpy()
    assert np.abs(made - case.pictures[0]).max() <= EXACT_LEVELS


def test_enough_goldens_are_described_by_their_infotext():
    assert {case.family for case in plain_cases()} == set(FAMILIES)
    assert len(plain_cases()) >= 60


def request_of(seed: int = 1, **changes: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "model": "tiny-sd15.safetensors", "prompt": "a lighthouse", "width": 64, "height": 64,
        "steps": 4, "sampler": "Euler a", "seed": seed,
    }  # fmt: skip
    return fields | changes


def test_the_nv_noise_is_that_of_a_cuda_device(device: torch.device):
    if device.type != "cuda":
        pytest.skip("only a CUDA device draws the noise that NV stands for")
    shape = (4, 64, 96)
    drawn = torch.randn(shape, generator=torch.Generator(device).manual_seed(7), device=device).cpu()
    assert torch.equal(make_generator("NV", 7, torch.device("cpu")).randn(shape).cpu(), drawn)


def test_the_same_seed_gives_the_same_bytes(start_engine):
    first, second = start_engine(), start_engine()
    assert torch.equal(first.picture(**request_of()), second.picture(**request_of()))


def test_a_lora_that_is_gone_leaves_the_picture_equal(start_engine):
    engine = start_engine()
    before = engine.picture(**request_of())
    with_lora = engine.picture(**request_of(prompt="a lighthouse <lora:lora-a:1>"))
    assert not torch.equal(with_lora, before)
    assert torch.equal(engine.picture(**request_of()), before)


@pytest.mark.parametrize("flag", ["--medvram", "--lowvram"])
def test_memory_flags_change_no_picture(flag: str, start_engine, device: torch.device):
    plain, frugal = start_engine(), start_engine(flag)
    expected = plain.picture(EXACT, **request_of())
    assert torch.equal(frugal.picture(EXACT, **request_of()), expected)
    # Nor the next one, nor one after a LoRA.
    frugal.picture(EXACT, **request_of(prompt="a lighthouse <lora:lora-a:1>"))
    assert torch.equal(frugal.picture(EXACT, **request_of()), expected)


@torch.no_grad()
def test_half_precision_is_close_to_exact(models: Path, device: torch.device):
    formats = (torch.float16, torch.bfloat16) if device.type == "cuda" else (torch.bfloat16,)
    exact = evaluate(models, device, torch.float32)
    for dtype in formats:
        difference = (evaluate(models, device, dtype) - exact).abs().mean() / exact.abs().mean()
        # Some 50 layers one after the other, each rounding by half a unit of the format.
        assert difference <= 50**0.5 * torch.finfo(dtype).eps


def evaluate(models: Path, device: torch.device, dtype: torch.dtype) -> Tensor:
    """One output of the small network in a format."""
    from tests.models.small_checkpoints import model_file

    sd = load(model_file(models / "tiny-sd15.safetensors"), NumberFormats(dtype, dtype, dtype, False), device)
    generator = torch.Generator().manual_seed(3)
    latent = torch.randn((2, 4, 16, 16), generator=generator).to(device)
    width = sd.network.unet.config.cross_attention_dim
    text = torch.randn((2, 77, width), generator=generator).to(device)
    return sd.network(latent, torch.tensor([500.0, 20.0], device=device), text).float().cpu()


def test_more_than_fits_comes_or_is_refused_and_the_next_job_works(start_engine, device: torch.device):
    engine = start_engine()
    before = engine.picture(**request_of())
    if device.type == "cuda":
        # A little more than is held now, so that it does not fit on any card.
        held = torch.cuda.memory_reserved(device) + 2**28
        torch.cuda.set_per_process_memory_fraction(
            held / torch.cuda.get_device_properties(device).total_memory, device
        )
    try:
        side = 2048 if device.type == "cuda" else 256
        run = engine.run(**request_of(width=side, height=side, steps=1))
    finally:
        if device.type == "cuda":
            torch.cuda.set_per_process_memory_fraction(1.0, device)
    assert run.paths or (run.error and "program is at fault" not in run.error)
    assert torch.equal(engine.picture(**request_of()), before)


def test_pictures_of_real_size_in_half_precision_are_close_to_exact(
    start_engine, device: torch.device, tmp_path: Path
):
    if device.type != "cuda":
        pytest.skip("a network of real size takes minutes without a GPU")
    folder = tmp_path / "real"
    write_random_checkpoint(folder / "sd15.safetensors", "sd15_checkpoint", device)
    engine = start_engine(folder=folder)
    fields = request_of(model="sd15.safetensors", width=512, height=512)
    half, exact = engine.picture(**fields), engine.picture(EXACT, **fields)
    assert (half - exact).abs().float().quantile(0.99) <= HALF_LEVELS
