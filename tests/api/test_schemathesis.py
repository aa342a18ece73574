"""Whatever fits the OpenAPI document, or nearly does, is answered without a mistake of the server's."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode

from tests.api.held_worker import HeldWorker, services_with
from tests.fake_sites import FakeSites
from webui.api.app import build_api
from webui.main import running

EXAMPLES = 12
# Answers that end only when the reader goes away.
ENDLESS = ("/v1/cards/events", "/v1/downloads/events")
MISTAKE = 500
KNOWN = ("method", "url", "params", "json", "content", "data")


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[FastAPI]:
    with FakeSites() as fake:
        folder = tmp_path_factory.mktemp("home")
        services = services_with(HeldWorker(held=False), folder, sites=fake.sites)
        yield build_api(services, lifespan=lambda _: running(services))


@pytest.fixture(scope="module")
def api(app) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


def strategies(app: FastAPI) -> dict[str, Any]:
    """How to draw calls to each route, good ones and wrong ones."""
    document = schemathesis.openapi.from_dict(app.openapi())
    operations = [found.ok() for found in document.get_all_operations()]
    return {
        f"{operation.method.upper()} {operation.path}": operation.as_strategy(GenerationMode.POSITIVE)
        | operation.as_strategy(GenerationMode.NEGATIVE)
        if operation.body or list(operation.query) or list(operation.path_parameters)
        else operation.as_strategy(GenerationMode.POSITIVE)
        for operation in operations
        if operation.path not in ENDLESS
    }


def send(case: schemathesis.Case, api: TestClient) -> Any:
    """Send a call as it was drawn; where that cannot be sent at all, nothing was asked."""
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
    if isinstance(data := sent.pop("data", None), bytes | str):
        sent["content"] = data
    elif data is not None:
        sent["data"] = data
    headers = {name: value for name, value in sent.pop("headers").items() if value.isascii()}
    return api.request(**{name: sent[name] for name in sent if name in KNOWN}, headers=headers)


def test_no_route_answers_with_a_mistake_of_the_servers(app, api):
    drawn = strategies(app)
    assert len(drawn) > 60

    for name, strategy in drawn.items():
        call_often(name, strategy, api)


def call_often(name: str, strategy: SearchStrategy[Any], api: TestClient) -> None:
    """Draw calls to a route and send them."""

    @settings(
        max_examples=EXAMPLES, database=None, derandomize=True,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=strategy)
    def call(case: schemathesis.Case) -> None:
        answer = send(case, api)
        assert answer.status_code != MISTAKE, (name, case.body, answer.text)

    call()
