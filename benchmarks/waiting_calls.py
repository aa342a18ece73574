"""How soon cheap routes are answered while many txt2img calls wait: `python -m benchmarks.waiting_calls`.

A real server on a port of this machine, with a worker that holds every job; needs no torch.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
import uvicorn

from tests.api.held_worker import HeldWorker, services_with
from webui.api.app import build_api
from webui.main import running

CALLS, ROUNDS = 200, 50
BODY = {"prompt": "a cat", "width": 64, "height": 64, "steps": 1}
ASKED = (("GET", "/sdapi/v1/progress"), ("GET", "/sdapi/v1/options"), ("POST", "/sdapi/v1/skip"))


async def measure(folder: Path) -> None:
    """Print the milliseconds that answers take, idle and while calls wait."""
    worker = HeldWorker()
    services = services_with(worker, folder)
    app = build_api(services, lifespan=lambda _: running(services))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    limits = httpx.Limits(max_connections=CALLS + 10)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        await report(client, "idle")
        calls = [asyncio.create_task(client.post("/sdapi/v1/txt2img", json=BODY)) for _ in range(CALLS)]
        while len(services.jobs.waiting()) < CALLS - 1:
            await asyncio.sleep(0.02)
        await report(client, f"{CALLS} calls wait")
        start = time.perf_counter()
        (await client.post("/sdapi/v1/interrupt")).raise_for_status()
        sys.stdout.write(f"interrupt answered after {(time.perf_counter() - start) * 1000:.1f} ms\n")
        worker.release.set()
        await asyncio.gather(*calls)
    server.should_exit = True
    await serving


async def report(client: httpx.AsyncClient, when: str) -> None:
    """Ask each route some times; the median and the slowest answer."""
    for method, path in ASKED:
        spent: list[float] = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            (await client.request(method, path)).raise_for_status()
            spent.append((time.perf_counter() - start) * 1000)
        sys.stdout.write(
            f"{when}: {path} median {statistics.median(spent):.1f} ms, most {max(spent):.1f} ms\n"
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(measure(Path(home)))
