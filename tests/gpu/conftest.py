"""An engine on the device that `--device` names; neither the page nor the API is imported."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmarks.engine import Engine

StartEngine = Callable[..., Engine]


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    """The device to test: a CUDA card, unless --device says otherwise."""
    device = torch.device(request.config.getoption("--device"))
    if device.type == "cuda" and not torch.cuda.is_available():
        pytest.fail("There is no CUDA device. `-m gpu --device cpu` runs these tests at toy size.")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return device


@pytest.fixture(scope="session")
def models(golden_models: Path, golden_networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden checkpoints and, in the same folder, the LoRAs for them."""
    folder = tmp_path_factory.mktemp("models")
    for file in [*golden_models.iterdir(), *(golden_networks / "Lora").iterdir()]:
        if file.is_file():
            (folder / file.name).symlink_to(file)
    return folder


@pytest.fixture
def start_engine(
    models: Path, device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StartEngine]:
    """Starts engines with flags; they are closed at the end."""
    started = SimpleNamespace(engines=[])

    def start(*flags: str, folder: Path = models) -> Engine:
        on_cpu = ("--use-cpu", "all") if device.type == "cpu" else ()
        engine = Engine(folder, tmp_path / f"data-{len(started.engines)}", [*on_cpu, *flags])
        started.engines.append(engine)
        return engine

    yield start
    for engine in started.engines:
        engine.close()
