"""Calls that wait for their pictures keep nobody else from an answer."""

import asyncio
import base64
import io
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
import uvicorn
from PIL import Image

from tests.api.held_worker import HeldWorker, services_with
from webui.api.app import build_api
from webui.api.sdapi.waiting import finish
from webui.core.errors import ServerEnding
from webui.core.events import ImageReady, ImageSaved
from webui.core.request import GenerationRequest
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services
from webui.main import running

CALLS = 200
BODY = {"prompt": "a cat", "width": 64, "height": 64, "steps": 1}
# On two cores that do other things as well; 40 waiting calls used to keep it for as long as a job took.
SOON_S = 2.0


@pytest.fixture
def worker() -> Iterator[HeldWorker]:
    worker = HeldWorker()
    yield worker
    worker.release.set()


@pytest.fixture
def services(worker: HeldWorker, tmp_path: Path) -> Services:
    return services_with(worker, tmp_path)


@asynccontextmanager
async def client_of(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running server."""
    transport = httpx.ASGITransport(build_api(services))
    async with (
        running(services),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client,
    ):
        yield client


async def until(is_so) -> None:
    for _ in range(3000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It never came so far.")


def encoded(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


PICTURE = encoded(Image.new("RGB", (8, 8)))
PATHS = {
    "/sdapi/v1/txt2img": BODY,
    "/sdapi/v1/img2img": BODY | {"init_images": [PICTURE]},
    "/sdapi/v1/extra-single-image": {"image": PICTURE},
    "/sdapi/v1/extra-batch-images": {"imageList": [{"data": PICTURE, "name": "a.png"}]},
}


@pytest.mark.parametrize("path", PATHS)
def test_progress_and_interrupt_are_answered_while_200_calls_wait(path, services, worker):
    async def measure() -> tuple[float, set[int]]:
        async with client_of(services) as client:
            calls = [asyncio.create_task(client.post(path, json=PATHS[path])) for _ in range(CALLS)]
            await until(lambda: services.jobs.running() and len(services.jobs.waiting()) == CALLS - 1)
            assert threading.active_count() < CALLS / 4
            start = time.monotonic()
            for method, asked in (("GET", "progress"), ("GET", "options"), ("POST", "interrupt")):
                (await client.request(method, f"/sdapi/v1/{asked}")).raise_for_status()
            spent = time.monotonic() - start
            worker.release.set()
            return spent, {answer.status_code for answer in await asyncio.gather(*calls)}

    spent, statuses = asyncio.run(measure())
    assert spent < SOON_S
    assert statuses == {200}


def test_interrupt_ends_the_running_call_and_the_next_one_runs(services):
    async def interrupt() -> tuple[int, bool]:
        async with client_of(services) as client:
            calls = [asyncio.create_task(client.post("/sdapi/v1/txt2img", json=BODY)) for _ in "ab"]
            await until(lambda: services.jobs.running() and services.jobs.waiting())
            (await client.post("/sdapi/v1/interrupt")).raise_for_status()
            # Either may have come first.
            [ended], [other] = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            await until(lambda: services.jobs.running() and not services.jobs.waiting())
            is_waiting = not other.done()
            (await client.post("/sdapi/v1/interrupt")).raise_for_status()
            await other
            return ended.result().status_code, is_waiting

    assert asyncio.run(interrupt()) == (200, True)


@asynccontextmanager
async def served(services: Services) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    """A server as `serve` has it, on a port of this machine."""
    config = uvicorn.Config(
        build_api(services, lifespan=lambda _: running(services)),
        port=0, log_level="error", timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield server, f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


def test_a_call_hears_in_a_sentence_that_the_server_ends(services):
    async def end() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=30) as client, served(services) as (server, address):
            calls = [asyncio.create_task(client.post(address + path, json=PATHS[path])) for path in PATHS]
            await until(lambda: services.jobs.running() and len(services.jobs.waiting()) == len(PATHS) - 1)
            server.should_exit = True
            return list(await asyncio.gather(*calls))

    for answer in asyncio.run(end()):
        assert answer.status_code == 503
        assert "being stopped" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/sdapi/v1/txt2img", "/sdapi/v1/img2img"])
def test_pictures_that_cannot_be_saved_are_answered_with_the_reason(path, services, worker, tmp_path):
    worker.release.set()
    # Where the folder should be there is a file, and nothing can be written into it.
    (tmp_path / "outputs").write_text("not a folder")
    wanted = {"save_images": True, "do_not_save_grid": True, "batch_size": 3}

    async def call() -> httpx.Response:
        async with client_of(services) as client:
            return await client.post(path, json=PATHS[path] | wanted)

    answer = asyncio.run(call())
    assert answer.status_code == 200
    assert len(answer.json()["images"]) == 3
    first, last = json.loads(answer.json()["info"])["messages"]
    assert first.startswith("A picture could not be saved. ")
    assert str(tmp_path / "outputs") in first
    assert last == "3 pictures could not be saved."


@pytest.mark.parametrize("ends_first", [True, False])
def test_pictures_of_a_call_that_waits_no_more_are_let_go(services, worker, ends_first):
    async def leave() -> Job:
        async with client_of(services):
            job = services.submit(GenerationRequest(), Delivery(tab="api", keep_images=True))
            waiting = asyncio.create_task(finish(job))
            await until(services.jobs.running)
            if ends_first:
                worker.release.set()
                job.wait(20)
            waiting.cancel()
            with pytest.raises(ServerEnding):
                await waiting
            worker.release.set()
            await until(lambda: job.finished)
            return job

    log = asyncio.run(leave()).log()
    assert any(isinstance(event, ImageSaved) for event in log)
    assert not any(isinstance(event, ImageReady) for event in log)


def test_the_job_of_a_client_that_goes_away_goes_on(services, worker):
    async def leave() -> int:
        async with httpx.AsyncClient(timeout=30) as client, served(services) as (_, address):
            with suppress(httpx.ReadTimeout):
                await client.post(
                    f"{address}/sdapi/v1/txt2img", json=BODY | {"save_images": True}, timeout=0.5
                )
            job = services.jobs.running()
            assert job is not None
            worker.release.set()
            finished = await job.join()
            assert finished.outcome == "done"
            return len(job.saved())

    assert asyncio.run(leave()) == 1


def test_a_cancelled_job_is_refused_and_its_neighbours_are_not(services, worker):
    async def cancel() -> list[int]:
        async with client_of(services) as client:
            calls = [asyncio.create_task(client.post("/sdapi/v1/txt2img", json=BODY)) for _ in range(3)]
            await until(lambda: len(services.jobs.waiting()) == 2)
            services.jobs.cancel(services.jobs.waiting()[0])
            worker.release.set()
            return sorted(answer.status_code for answer in await asyncio.gather(*calls))

    assert asyncio.run(cancel()) == [200, 200, 503]
