"""The engine without a page or an API, for machines that have neither Gradio nor FastAPI."""

import gzip
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from webui.core.events import Event, Finished, ImageReady, ImageSaved, Message, Progress
from webui.core.flags import read_flags
from webui.core.request import make_request
from webui.core.settings import Settings
from webui.jobs.job import Delivery
from webui.jobs.local_worker import LocalWorker
from webui.jobs.queue import JobQueue
from webui.jobs.saving import PictureSaver
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.folders import ModelFolders
from webui.store.database import Database
from webui.store.header_cache import HeaderCache
from webui.store.pictures.history import History
from webui.store.pictures.images import ImageFiles
from webui.store.pictures.inputs import Inputs
from webui.store.pictures.latents import Latents

ROOT = Path(__file__).resolve().parent.parent
HEADERS = ROOT / "tests" / "headers" / "headers.json.gz"
NETWORK_PARTS = ("model.", "first_stage_model.", "cond_stage_model.", "conditioner.")
# With weights a little smaller than their inputs would allow, activations of a random network neither die out
# nor overflow half precision.
GAIN = 0.7


@dataclass(frozen=True, slots=True)
class Run:
    """What a job told, each with the second it came at since the job was submitted."""

    events: tuple[tuple[float, Event], ...]

    @property
    def seconds(self) -> float:
        """From the submission to the end."""
        return self.events[-1][0]

    @property
    def error(self) -> str | None:
        """Why it failed; None if it did not."""
        last = self.events[-1][1]
        return last.error if isinstance(last, Finished) else "The job never ended."

    @property
    def messages(self) -> list[str]:
        """What the artist was told meanwhile."""
        return [event.text for _, event in self.events if isinstance(event, Message)]

    @property
    def paths(self) -> list[Path]:
        """The files written."""
        return [Path(event.path) for _, event in self.events if isinstance(event, ImageSaved) and event.path]

    def seconds_from_last_step_to_file(self) -> float | None:
        """Decoding, encoding and writing the first picture after the last step."""
        steps = [at for at, event in self.events if isinstance(event, Progress)]
        saved = [at for at, event in self.events if isinstance(event, ImageSaved)]
        return saved[0] - steps[-1] if steps and saved else None


class Engine:
    """A queue with one worker on the folders of models and of data given. Close it."""

    def __init__(self, models: Path, home: Path, arguments: Sequence[str] = ()) -> None:
        flags, _ = read_flags(
            ["--ckpt-dir", str(models), "--lora-dir", str(models), "--data-dir", str(home), *arguments]
        )
        paths = flags.paths(ROOT)
        paths.data.mkdir(parents=True, exist_ok=True)
        database = Database(paths.data / "webui.db")
        self.catalog = Catalog(ModelFolders.of(paths), HeaderCache(database))
        self.catalog.scan()
        inputs, latents = Inputs(paths.data / "inputs"), Latents(paths.data / "latents")

        def make_worker() -> LocalWorker:
            return LocalWorker(self.catalog, inputs, latents, flags, "Atelier benchmark")

        self.queue = JobQueue(make_worker, PictureSaver(ImageFiles(home), History(database)))
        self.queue.start()

    def run(self, settings: Mapping[str, object] | None = None, **fields: object) -> Run:
        """Make the pictures of a request of these fields (GenerationRequest), under changed settings."""
        chosen = Settings().changed(dict(settings or {}))
        began = time.perf_counter()
        job = self.queue.submit(make_request(**fields), Delivery(save_grid=False), chosen)
        return Run(tuple((time.perf_counter() - began, event) for event in job.events()))

    def picture(self, settings: Mapping[str, object] | None = None, **fields: object) -> Tensor:
        """The first picture of a request, (H, W, 3) int16. Raises AssertionError if the job failed."""
        chosen = Settings().changed(dict(settings or {}))
        delivery = Delivery(save_samples=False, save_grid=False, keep_images=True)
        job = self.queue.submit(make_request(**fields), delivery, chosen)
        events = list(job.events())
        finished = events[-1]
        assert isinstance(finished, Finished)
        assert finished.outcome == "done", finished.error
        image = next(event.image for event in events if isinstance(event, ImageReady))
        shown = torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8)
        return shown.view(image.height, image.width, 3).to(torch.int16)

    def close(self) -> None:
        """End the worker's thread."""
        self.queue.close()


def real_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a real checkpoint: "sd15_checkpoint" or "sdxl_checkpoint"."""
    shapes = json.loads(gzip.decompress(HEADERS.read_bytes()))[name]["shapes"]
    return {key: tuple(shape) for key, shape in shapes.items()}


def random_weights(
    shapes: Mapping[str, tuple[int, ...]], device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Seeded numbers for a checkpoint of these shapes, made on the device, on the processor in the end."""
    generator = torch.Generator(device).manual_seed(0)
    found: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        if not name.startswith(NETWORK_PARTS):
            continue
        if name.endswith("position_ids"):
            found[name] = torch.arange(shape[-1]).reshape(shape)
        elif name.endswith("bias"):
            found[name] = torch.zeros(shape, dtype=dtype)
        elif len(shape) == 1:
            found[name] = torch.ones(shape, dtype=dtype)
        elif len(shape) == 0:
            found[name] = torch.tensor(1.0, dtype=dtype)
        else:
            scale = 0.02 if "embedding" in name else GAIN / torch.Size(shape[1:]).numel() ** 0.5
            found[name] = torch.randn(shape, generator=generator, device=device).mul_(scale).to("cpu", dtype)
    return found


def write_random_checkpoint(path: Path, name: str, device: torch.device) -> Path:
    """A checkpoint of real size with random weights in float16, once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(random_weights(real_shapes(name), device, torch.float16), path)
    return path
