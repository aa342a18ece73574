"""/v1/training: runs are checked, started, watched, stopped, resumed, and their files used."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from webui.core.errors import NotFound
from webui.core.model_file import ModelFile, ModelKind
from webui.core.work.training_run import TrainingRun
from webui.jobs.services import Services
from webui.jobs.training_runs import RunNow, ShownState, TrainingRuns
from webui.library.files.headers import read_header
from webui.training.methods.names import GOALS, METHODS, TitledMethod, fields_of
from webui.training.run_folder import LogLine

PRIVATE = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}


class MethodAnswer(BaseModel):
    """A method or goal with words for people, and the fields of a run that a method reads."""

    name: str
    title: str
    about: str
    fields: list[str] = []


class MethodsAnswer(BaseModel):
    """What can be trained, what for, and the form of a run."""

    methods: list[MethodAnswer]
    goals: list[MethodAnswer]
    form: dict[str, Any] = Field(serialization_alias="schema")


class Estimate(BaseModel):
    """About how much a run takes; None where nothing is known. `memory` says what the bytes are for."""

    memory_bytes: int | None = None
    memory: str = ""
    seconds_per_step: float | None = None


class CheckAnswer(BaseModel):
    """A run as it would be trained: `chosen` says why the presets chose what they did."""

    run: TrainingRun
    chosen: dict[str, str]
    pictures: int
    steps: int
    sentences: list[str]
    estimate: Estimate


class StartedRun(BaseModel):
    """A run in the queue."""

    job: str
    name: str


class RunAnswer(BaseModel):
    """A run in the list."""

    name: str
    method: str
    state: ShownState
    step: int
    steps: int
    job: str | None = None
    file: str | None = None
    error: str | None = None


class RunList(BaseModel):
    """All runs, the newest first."""

    runs: list[RunAnswer]


class SampleAnswer(BaseModel):
    """A sample picture."""

    step: int
    prompt: int
    text: str
    url: str


class CheckpointAnswer(BaseModel):
    """A file of the run."""

    step: int
    file: str
    is_final: bool


class RunDetail(BaseModel):
    """Everything about a run; `log` from the asked step on, thinned."""

    name: str
    run: TrainingRun
    filled: TrainingRun
    state: ShownState
    error: str | None
    step: int
    steps: int
    seconds_left: float | None
    seconds_per_step: float | None
    memory_bytes: int | None
    log: list[LogLine]
    samples: list[SampleAnswer]
    checkpoints: list[CheckpointAnswer]
    waiting_pictures: int


class SampleBody(BaseModel):
    """A prompt to try with the run's files."""

    prompt: str = Field(max_length=10_000)
    seed: int = Field(1, ge=0, le=2**32 - 1)
    checkpoint: int | None = None


class UseBody(BaseModel):
    """Which file to use."""

    step: int


class UseAnswer(BaseModel):
    """Where the file stands now, and what calls it in a prompt."""

    prompt: str
    file: str


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router, runs = APIRouter(), TrainingRuns(services)
    add_start_routes(router, services, runs)
    add_file_routes(router, runs)
    # After those, which end in words as commands do.
    add_run_routes(router, runs)
    return router


def add_start_routes(router: APIRouter, services: Services, runs: TrainingRuns) -> None:
    """What there is to train, checks, starts, the list."""

    @router.get("/v1/training/methods")
    def list_methods() -> MethodsAnswer:
        """What can be trained."""
        return MethodsAnswer(
            methods=[method_answer(each, fields_of(each.name)) for each in METHODS],
            goals=[method_answer(each, []) for each in GOALS],
            form=TrainingRun.model_json_schema(),
        )

    @router.post("/v1/training/check")
    def check(run: TrainingRun) -> CheckAnswer:
        """What the run would be, with nothing done yet."""
        return check_run(services, runs, run)

    @router.post("/v1/training", status_code=202)
    def start(run: TrainingRun) -> StartedRun:
        """Put a run in the queue."""
        check_run(services, runs, run)
        return StartedRun(job=runs.start(run).id, name=run.name)

    @router.get("/v1/training")
    def list_runs() -> RunList:
        """All of them."""
        return RunList(runs=[summary(runs, now) for now in runs.all()])


def add_run_routes(router: APIRouter, runs: TrainingRuns) -> None:
    """One run."""

    @router.get("/v1/training/{name}")
    def detail(name: str, after: Annotated[int, Query(ge=0)] = 0) -> RunDetail:
        """How it goes."""
        return run_detail(runs, runs.find(name), after)

    @router.post("/v1/training/{name}/{command}")
    def command(name: str, command: Literal["pause", "resume", "stop"]) -> RunAnswer:
        """Pause or stop it after its step, saving everything, or go on with it."""
        if command == "resume":
            runs.resume(name)
        else:
            runs.stop(name, pauses=command == "pause")
        return summary(runs, runs.find(name))

    @router.delete("/v1/training/{name}", status_code=204)
    def delete(name: str) -> None:
        """Move it to the trash. Files in model folders stay."""
        runs.delete(name)


def add_file_routes(router: APIRouter, runs: TrainingRuns) -> None:
    """What a run made."""

    @router.get("/v1/training/{name}/samples/{file}")
    def sample_file(name: str, file: str) -> FileResponse:
        """A sample picture."""
        found = [each.path for each in runs.find(name).folder.list_samples() if each.path.name == file]
        if not found:
            raise NotFound(f"The run {name} has no such sample.")
        return FileResponse(found[0], media_type="image/webp", headers=PRIVATE)

    @router.post("/v1/training/{name}/sample", status_code=202)
    def sample(name: str, body: SampleBody) -> StartedRun:
        """Draw a prompt with every saved file, as a job."""
        return StartedRun(job=runs.try_prompt(name, body.prompt, body.seed, body.checkpoint).id, name=name)

    @router.post("/v1/training/{name}/use")
    def use(name: str, body: UseBody) -> UseAnswer:
        """Put a file into its model folder."""
        file = runs.use(name, body.step)
        return UseAnswer(prompt=prompt_for(file), file=file.name)


def method_answer(method: TitledMethod, fields: list[str]) -> MethodAnswer:
    """A method or goal."""
    return MethodAnswer(name=method.name, title=method.title, about=method.about, fields=fields)


def check_run(services: Services, runs: TrainingRuns, run: TrainingRun) -> CheckAnswer:
    """Read its data and fill it. Raises WebuiError."""
    # Loads torch, which the device thread has loaded by the time that anybody trains.
    from webui.models.choosing_device import choose_device
    from webui.training.memory import estimate_memory
    from webui.training.preparing import prepare
    from webui.training.presets import explain

    prepared = prepare(run, services.catalog, services.datasets, choose_device(services.flags))
    filled, facts = prepared.run, prepared.facts
    need = estimate_memory(filled, facts, read_header(prepared.checkpoint.path))
    return CheckAnswer(
        run=filled,
        chosen=explain(run, facts),
        pictures=facts.pictures,
        steps=filled.steps or 0,
        sentences=[
            *need.warn(filled, facts),
            *prepared.dataset.sentences,
            *warnings_of(prepared.dataset.examples),
        ],
        estimate=Estimate(
            memory_bytes=need.total,
            memory=need.explain(),
            seconds_per_step=known_speed(runs, filled),
        ),
    )


def warnings_of(examples: Any) -> list[str]:  # noqa: ANN401 - Examples, whose module loads what pictures need
    """What is odd about pictures that are used all the same."""
    return [f"{each.name}: {text}" for each in examples for text in each.warnings]


def known_speed(runs: TrainingRuns, filled: TrainingRun) -> float | None:
    """Seconds of a step in the newest run that was alike."""
    same = ("method", "checkpoint", "resolution", "batch_size", "accumulation", "precision", "checkpointing")
    for now in runs.all():
        if now.status.seconds_per_step and now.folder.is_there:
            before = now.folder.read_run("filled")
            if all(getattr(before, name) == getattr(filled, name) for name in same):
                return now.status.seconds_per_step
    return None


def summary(runs: TrainingRuns, now: RunNow) -> RunAnswer:
    """A run in the list."""
    return RunAnswer(
        name=now.folder.name,
        method=runs.asked(now).method,
        state=now.state,
        step=now.step,
        steps=now.steps,
        job=now.job.id if now.job else None,
        file=now.status.file or None,
        error=now.status.error or None,
    )


def run_detail(runs: TrainingRuns, now: RunNow, after: int) -> RunDetail:
    """A run with its log, samples and files."""
    folder, status, progress, asked = now.folder, now.status, now.progress, runs.asked(now)
    filled = folder.read_run("filled") if (folder.path / "filled.toml").is_file() else asked
    prompts = folder.read_prompts() or list(filled.samples or ())
    return RunDetail(
        name=folder.name,
        run=asked,
        filled=filled,
        state=now.state,
        error=(status.error or None) if now.job is None else None,
        step=now.step,
        steps=now.steps or filled.steps or 0,
        seconds_left=progress.seconds_left if progress else None,
        seconds_per_step=progress.seconds_per_step if progress else status.seconds_per_step or None,
        memory_bytes=progress.memory_bytes if progress else status.memory_bytes or None,
        log=folder.read_log(after),
        samples=[
            SampleAnswer(
                step=each.step,
                prompt=each.prompt,
                text=prompts[each.prompt] if each.prompt < len(prompts) else "",
                url=f"v1/training/{folder.name}/samples/{each.path.name}",
            )
            for each in folder.list_samples()
        ],
        checkpoints=[
            CheckpointAnswer(step=each.step, file=each.path.name, is_final=each.is_final)
            for each in folder.list_files()
        ],
        waiting_pictures=runs.waiting_pictures(),
    )


def prompt_for(file: ModelFile) -> str:
    """What calls a file in a prompt; nothing for those that are chosen elsewhere."""
    if file.kind is ModelKind.LORA:
        return f"<lora:{file.stem}:1>"
    if file.kind is ModelKind.HYPERNETWORK:
        return f"<hypernet:{file.stem}:1>"
    return file.stem if file.kind is ModelKind.EMBEDDING else ""
