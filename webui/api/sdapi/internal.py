"""A1111's routes under /internal, which its page and some clients ask."""

import base64
import platform
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, cast

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from webui.api.sdapi.lenient import LenientBody, Whole
from webui.api.sdapi.machine import SECRET_FLAGS
from webui.api.sdapi.memory import measure_ram
from webui.core.settings import Settings, section_type
from webui.jobs.job import Job
from webui.jobs.services import Services


class TaskProgressBody(LenientBody):
    """POST /internal/progress: a job by the id that the client gave it in `force_task_id`, or by its own."""

    id_task: str = ""
    id_live_preview: Whole = -1
    live_preview: bool = True


class TaskProgress(BaseModel):
    """Where a job stands; `eta` is seconds, `live_preview` a data URL if there is a newer one."""

    active: bool
    queued: bool
    completed: bool
    progress: float | None = None
    eta: float | None = None
    live_preview: str | None = None
    id_live_preview: int | None = None
    textinfo: str | None = None


class PendingTasks(BaseModel):
    """Jobs that wait or run."""

    size: int
    tasks: list[str]


class QuickSetting(BaseModel):
    """An option and its name for people."""

    name: str
    label: str


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter(prefix="/internal")

    @router.get("/ping")
    async def ping() -> dict[str, Any]:
        return {}

    @router.post("/progress")
    async def progress(body: TaskProgressBody) -> TaskProgress:
        return describe_task(services.jobs.find_task(body.id_task), body, services)

    @router.get("/pending-tasks")
    async def pending_tasks() -> PendingTasks:
        return list_pending(services)

    @router.get("/quicksettings-hint")
    async def hint_quicksettings() -> list[QuickSetting]:
        return quick_settings()

    @router.get("/profile-startup")
    async def profile_startup() -> dict[str, Any]:
        # Nothing is measured: the first page comes in seconds.
        return {"total": 0.0, "records": {}}

    @router.get("/sysinfo")
    def get_sysinfo() -> JSONResponse:
        return JSONResponse(describe_system(services))

    @router.get("/sysinfo-download")
    def download_sysinfo() -> JSONResponse:
        disposition = {"Content-Disposition": 'attachment; filename="sysinfo.json"'}
        return JSONResponse(describe_system(services), headers=disposition)

    return router


def describe_task(job: Job | None, body: TaskProgressBody, services: Services) -> TaskProgress:
    """Where a job stands; of one that is not known, that it does not run."""
    state = job.state if job else "unknown"
    told = TaskProgress(
        active=state == "running", queued=state == "queued", completed=job is not None and bool(job.finished)
    )
    if job is None or not told.active:
        text = place_in_queue(job, services) if told.queued else "Waiting..."
        return told.model_copy(update={"id_live_preview": -1, "textinfo": text})
    at, preview = job.progress(), job.preview()
    changes: dict[str, Any] = {
        "progress": at.fraction,
        "eta": at.eta_s,
        "id_live_preview": body.id_live_preview,
    }
    if body.live_preview and preview is not None and preview.step != body.id_live_preview:
        data = base64.b64encode(preview.data).decode()
        changes |= {"live_preview": f"data:{preview.mime};base64,{data}", "id_live_preview": preview.step}
    messages = job.messages()
    return told.model_copy(update=changes | {"textinfo": messages[-1].text if messages else None})


def place_in_queue(job: Job | None, services: Services) -> str:
    """How many jobs come before one."""
    waiting = services.jobs.waiting()
    number = next((place for place, each in enumerate(waiting, 1) if each is job), 1)
    return f"In queue: {number}/{max(len(waiting), 1)}"


def list_pending(services: Services) -> PendingTasks:
    """All jobs that are not finished, by the ids that clients gave them, else by their own."""
    running = services.jobs.running()
    jobs = [*([running] if running else []), *services.jobs.waiting()]
    found = [job.delivery.task_id or job.id for job in jobs]
    return PendingTasks(size=len(found), tasks=found)


def quick_settings() -> list[QuickSetting]:
    """All options of ours."""
    found: list[QuickSetting] = []
    for key, (section, name) in Settings.keys().items():
        field = section_type(Settings.model_fields[section].annotation).model_fields[name]
        found.append(QuickSetting(name=key, label=field.title or key))
    return found


def describe_system(services: Services) -> dict[str, Any]:
    """What helps with a question: no secrets, and nobody's home folder."""
    flags = services.flags.model_dump(mode="json", exclude_defaults=True, exclude=set(SECRET_FLAGS))
    told = {
        "Platform": platform.platform(),
        "Python": platform.python_version(),
        "Version": services.version,
        "Data path": str(services.paths.data),
        "Commandline": flags,
        "CPU": {"model": platform.processor() or platform.machine()},
        "RAM": measure_ram(),
        "Extensions": [],
        "Config": services.settings.current.options(),
        "Packages": sorted({f"{found.name}=={found.version}" for found in distributions()}),
    }
    return cast("dict[str, Any]", hide_home(told))


def hide_home(value: object, home: str | None = None) -> object:
    """A JSON value in which the user's home folder is written as `~`."""
    home = str(Path.home()) if home is None else home
    if isinstance(value, str):
        return value.replace(home, "~") if len(home) > 1 else value
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return {key: hide_home(each, home) for key, each in entries.items()}
    if isinstance(value, list | tuple):
        return [hide_home(each, home) for each in cast("list[object]", value)]
    return value
