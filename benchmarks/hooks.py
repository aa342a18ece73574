"""What hooks cost: an empty run without extensions and beside idle ones, and a step with a ControlNet.

    OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.hooks [--rounds 40] [--steps 40]

Everything is measured in one process, in turn, with one thread, by processor seconds: the least of many
rounds hardly depends on what else the machine does.
"""

import argparse
import cProfile
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from PIL import Image

from benchmarks.meter import describe_machine, say
from extensions.controlnet.networks.controlnet import configuration, read_dimensions
from extensions.controlnet.units import ControlNetPart
from tests.golden_cases import make_golden_models
from webui.core.events import Progress
from webui.core.flags import read_flags
from webui.core.request import GenerationRequest, make_request
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.main import build_services
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.pipelines.generate.generate import generate
from webui.plugins.context import Context
from webui.plugins.host import Plugins, Value
from webui.plugins.loading import Extensions, WantedExtensions, find_folders

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "models" / "starter"


class NoHooks(Plugins):
    """The run without any hook: every place where one would be called gives back what it was given."""

    def uses(self, hook: str) -> bool:
        """Nobody does."""
        return False

    def call(self, hook: str, *given: object, **named: object) -> list[Any]:
        """Nothing is called."""
        return []

    def change(self, hook: str, value: Value, *given: object, **named: object) -> Value:
        """Nothing is changed."""
        return value

    def infotext_entries(self, request: GenerationRequest) -> dict[str, str]:
        """Nothing is told."""
        return {}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    describe_machine(1)
    with tempfile.TemporaryDirectory() as home:
        models = make_golden_models(ROOT / "tests" / "goldens" / "models")
        with contexts(models, Path(home)) as (make, extensions):
            measure_empty_run(make, extensions, arguments.rounds, arguments.steps)
    with tempfile.TemporaryDirectory() as home, contexts(None, Path(home)) as (make, extensions):
        measure_control(make(extensions.plugins), arguments.rounds)


@contextmanager
def contexts(models: Path | None, home: Path) -> Iterator[tuple[Callable[[Plugins], Context], Extensions]]:
    """What makes a context with some hooks, all on the same loaded networks; and the shipped extensions.

    `models` is the folder of the checkpoints, where it is not the program's own.
    """
    folder = ["--ckpt-dir", str(models)] if models else []
    flags, _ = read_flags(["--data-dir", str(home), "--use-cpu", "all", *folder])
    services = build_services(flags, ROOT)
    settings = Settings().changed({"precision": "exact", "show_progress_every_n_steps": 0})
    manager = ModelManager(services.catalog, torch.device("cpu"), 2**31)
    upscalers = Upscalers(manager.catalog, manager.device, exact=True)
    shipped = Extensions()
    shipped.load(find_folders(ROOT / "extensions", "shipped"), WantedExtensions(), 60)
    assert not shipped.problems, shipped.problems

    def make(plugins: Plugins) -> Context:
        return Context(
            manager, upscalers, services.inputs, services.latents, settings, Stop(), "Atelier benchmark",
            plugins=plugins, run=generate,
        )  # fmt: skip

    try:
        yield make, shipped
    finally:
        shipped.close()


def measure_empty_run(
    make: Callable[[Plugins], Context], extensions: Extensions, rounds: int, steps: int
) -> None:
    """A picture of a tiny network, from the request to the picture."""
    request = make_request(
        model="tiny-sd15", prompt="a cat", width=64, height=64, steps=steps, sampler="Euler", seed=1
    )
    kinds = {
        "no hooks at all": make(NoHooks()),
        "no extensions": make(Plugins()),
        f"{len(extensions.plugins.names)} shipped extensions, idle": make(extensions.plugins),
    }
    runs = {
        name: lambda context=context: [None for _ in generate(request, context)]
        for name, context in kinds.items()
    }
    say(f"\nAn empty run of {steps} steps, {rounds} rounds")
    compare(in_turn(runs, rounds), "no hooks at all")
    for name, context in list(kinds.items())[1:]:
        hooks, whole = measure_share(context, request, rounds // 3 + 2)
        say(f"  {name}: {hooks * 1000:.3f} ms in hooks, {hooks / whole:.4%} of the run")
    calls = {name: count_calls(context, request) for name, context in kinds.items()}
    for name, count in calls.items():
        say(f"  {name}: {count} calls, {count / calls['no hooks at all'] - 1:+.4%}")


def count_calls(context: Context, request: GenerationRequest) -> int:
    """How many functions a run calls, of Python's and of libraries'. The second run is counted: what is
    kept from the first costs no more.

    It tells of all that hooks cost anywhere, and no other program on the machine changes it.
    """
    for _ in generate(request, context):
        pass
    profile = cProfile.Profile()
    profile.enable()
    for _ in generate(request, context):
        pass
    profile.disable()
    # What a profile tells has no types.
    return sum(int(entry.callcount) for entry in profile.getstats())  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def measure_share(context: Context, request: GenerationRequest, rounds: int) -> tuple[float, float]:
    """Processor seconds of a run that are spent in calling hooks, and of the whole run; the least of each.

    Taken from within: it tells thousandths that two runs beside each other do not.
    """
    plugins, spent = context.plugins, 0.0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: object, **named: object) -> object:
            nonlocal spent
            began = time.thread_time()
            try:
                return function(*given, **named)
            finally:
                spent += time.thread_time() - began

        return call

    watched = Watched(
        timed(plugins.uses), timed(plugins.call), timed(plugins.change), timed(plugins.infotext_entries)
    )
    own = replace(context, plugins=watched)
    hooks: list[float] = []
    wholes: list[float] = []
    for _ in range(rounds):
        spent, began = 0.0, time.process_time()
        for _ in generate(request, own):
            pass
        hooks.append(spent)
        wholes.append(time.process_time() - began)
    return min(hooks), min(wholes)


class Watched(Plugins):
    """Hooks whose calls are timed."""

    def __init__(
        self,
        uses: Callable[..., Any],
        call: Callable[..., Any],
        change: Callable[..., Any],
        infotext_entries: Callable[..., Any],
    ) -> None:
        """As the methods of the same names."""
        super().__init__()
        self.uses, self.call, self.change = uses, call, change
        self.infotext_entries = infotext_entries


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Processor seconds of each, in changing order; each is called twice uncounted first."""
    for work in (*works.values(), *works.values()):
        work()
    found: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            began = time.process_time()
            works[name]()
            found[name].append(time.process_time() - began)
    return found


def compare(found: Mapping[str, list[float]], peer: str) -> None:
    """Least processor seconds and their ratio to the peer's, and the median of the ratios round by round."""
    for name, seconds in found.items():
        ratios = [own / other for own, other in zip(seconds, found[peer], strict=True)]
        say(
            f"  {name:34} least {min(seconds) * 1000:8.2f} ms, ratio {min(seconds) / min(found[peer]):.4f}; "
            f"median of the rounds' ratios {statistics.median(ratios):.4f}"
        )


def measure_control(context: Context, rounds: int) -> None:
    """Seconds a step of the Starter at 256x256, CFG (two rows), with its ControlNet for edges."""
    unit = {
        "model": "starter_canny",
        "module": "none",
        "image": context.inputs.add_image(Image.new("RGB", (256, 256))),
    }
    steps = 6
    request = ControlNetPart.read({"units": [unit]}).put_into(
        make_request(
            model="starter", prompt="a cat", width=256, height=256, steps=steps, sampler="Euler", seed=1
        )
    )
    step = diffusers_step(context)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds // 4 + 2):
        ours.append(step_of_ours(request, context))
        began = time.process_time()
        for _ in range(steps):
            step()
        theirs.append((time.process_time() - began) / steps)
    say(f"\nA step of the Starter with starter_canny, 256x256, two rows, float32, {len(ours) - 1} rounds")
    compare({"diffusers": theirs[1:], "Atelier": ours[1:]}, "diffusers")


def step_of_ours(request: GenerationRequest, context: Context) -> float:
    """Processor seconds a step, from the first step's end to the last's."""
    ends = [time.process_time() for event in generate(request, context) if isinstance(event, Progress)]
    return (ends[-1] - ends[0]) / (len(ends) - 1)


def arguments_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Of a diffusers network, without what diffusers notes beside them."""
    return {name: value for name, value in config.items() if not name.startswith("_")}


@torch.no_grad()
def diffusers_step(context: Context) -> Callable[[], object]:
    """A step as diffusers' pipeline makes it: ControlNet, U-Net, guidance, Euler, on networks of the same
    dimensions with random weights.
    """
    from extensions.controlnet.networks.cldm_names import to_diffusers_names
    from webui.plugins import open_tensors

    with context.models.use("starter", "Automatic", "exact") as sd:
        unet = UNet2DConditionModel(**arguments_of(sd.network.unet.config)).eval()
    tensors = to_diffusers_names(open_tensors(STARTER / "starter_canny.safetensors"))
    shapes = {name: tuple(each.shape) for name, each in tensors.items()}
    control = ControlNetModel(**configuration(read_dimensions(shapes, "starter_canny"), "SD1")).eval()
    width = int(unet.config["cross_attention_dim"])
    latent, text = torch.randn(1, 4, 32, 32), torch.randn(2, 77, width)
    hint, timestep = torch.rand(2, 3, 256, 256), torch.tensor([500.0, 500.0])

    @torch.no_grad()
    def step() -> torch.Tensor:
        rows = torch.cat([latent, latent])
        down, middle = control(rows, timestep, text, hint, return_dict=False)
        noise = unet(
            rows, timestep, text,
            down_block_additional_residuals=down, mid_block_additional_residual=middle, return_dict=False,
        )[0]  # fmt: skip
        negative, positive = noise.chunk(2)
        return latent + 0.1 * (negative + 7 * (positive - negative))

    return step


if __name__ == "__main__":
    main()
