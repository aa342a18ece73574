"""What tests share: the golden checkpoints and a server on them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.golden_cases import GOLDENS, make_golden_models, make_golden_networks

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from webui.jobs.services import Services

ROOT = Path(__file__).parent.parent
# The same cases in every run, however slow the machine is; HYPOTHESIS_PROFILE=search looks for others.
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the tests marked gpu run."""
    parser.addoption(
        "--device", default="cuda", help="device of the tests marked gpu: cuda, or cpu at toy size"
    )


@pytest.fixture(scope="session")
def golden_models() -> Path:
    """The folder of the tiny checkpoints, kept between runs."""
    return make_golden_models(ROOT / "tests" / "goldens" / "models")


@pytest.fixture(scope="session")
def golden_networks(golden_models: Path) -> Path:
    """The folder of the LoRAs for the tiny checkpoints, kept between runs."""
    return make_golden_networks(golden_models, ROOT / "tests" / "goldens" / "networks")


@pytest.fixture(scope="session")
def exact_services(
    golden_models: Path, golden_networks: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Services":
    """Services on the golden checkpoints and networks, computing in 32 bits."""
    # Imported here, so that tests of small things start at once.
    from webui.core.flags import read_flags
    from webui.main import build_services

    home = tmp_path_factory.mktemp("home")
    for folder in ("embeddings", "embeddings-xl"):
        shutil.copytree(GOLDENS / "assets" / folder, home / "embeddings", dirs_exist_ok=True)
    arguments = [
        "--precision",
        "full",
        "--use-cpu",
        "all",
        "--data-dir",
        str(home),
        "--ckpt-dir",
        str(golden_models),
        "--lora-dir",
        str(golden_networks),
        "--hypernetwork-dir",
        str(GOLDENS / "assets" / "hypernetworks"),
    ]
    return build_services(read_flags(arguments)[0], ROOT)


@pytest.fixture(scope="session")
def exact_api(exact_services: "Services") -> Iterator["TestClient"]:
    """The API without a page, set as A1111 is by default."""
    from fastapi.testclient import TestClient

    from webui.api.app import build_api
    from webui.main import running

    app = build_api(exact_services, lifespan=lambda _: running(exact_services))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        client.post("/sdapi/v1/options", json={"randn_source": "GPU"}).raise_for_status()
        yield client
