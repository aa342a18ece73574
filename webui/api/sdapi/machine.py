"""A1111's routes about the program and the machine: flags, memory, loaded models, and its end."""

from typing import Any, cast

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from webui.api.sdapi.answers import ExtensionItem, MemoryResponse, ScriptArg, ScriptInfo, ScriptsList
from webui.api.sdapi.documents import a1111_flags, flags_model, script_infos
from webui.api.sdapi.memory import measure_memory
from webui.api.sdapi.waiting import finish
from webui.core.flags import Flags
from webui.core.model_file import ModelKind
from webui.core.readable import readable
from webui.core.sampling import all_samplers, all_schedules
from webui.core.work.kinds import ModelsRequest
from webui.jobs.job import Delivery
from webui.jobs.services import Services
from webui.plugins.loading import ExtensionRecord
from webui.plugins.parts import RequestPart
from webui.plugins.titles import title_beside

# What they hold is nobody's business, not even where a file with it lies.
SECRET_FLAGS = ("api_auth", "gradio_auth", "gradio_auth_path", "tls_keyfile", "tls_certfile")
# Arguments whose choices are lists that change.
CHECKPOINT, SAMPLER, SCHEDULE = "Checkpoint", "Sampling method", "Schedule type"


def add_machine_routes(router: APIRouter, services: Services) -> None:
    """What can be asked about the program, and what it can be told to do."""

    # The types of A1111's flags stand in the document; the values go out as they are.
    @router.get("/cmd-flags", response_model=None, responses={200: {"model": flags_model()}})
    async def get_flags() -> JSONResponse:
        return JSONResponse(describe_flags(services.flags))

    @router.get("/memory")
    def get_memory() -> MemoryResponse:
        return measure_memory()

    @router.get("/scripts")
    def list_scripts() -> ScriptsList:
        return ScriptsList(
            txt2img=[
                *script_names(is_img2img=False),
                *own_names(services, "txt2img"),
                *community_names(services, is_img2img=False),
            ],
            img2img=[
                *script_names(is_img2img=True),
                *own_names(services, "img2img"),
                *community_names(services, is_img2img=True),
            ],
        )

    @router.get("/script-info")
    def list_script_infos() -> list[ScriptInfo]:
        known = [describe_script(info, services) for info in script_infos()] + own_infos(services)
        return known + community_infos(services)

    @router.get("/extensions")
    async def list_extensions() -> list[ExtensionItem]:
        return [describe_extension(each) for each in services.extensions.records]

    @router.post("/unload-checkpoint")
    async def unload_checkpoint() -> dict[str, Any]:
        await manage_models(services, ModelsRequest(action="unload"))
        return {}

    @router.post("/reload-checkpoint")
    async def reload_checkpoint() -> dict[str, Any]:
        await manage_models(services, ModelsRequest(action="load"))
        return {}

    if services.flags.api_server_stop:
        add_stop_routes(router, services)


def add_stop_routes(router: APIRouter, services: Services) -> None:
    """What ends the server, for those who started it with --api-server-stop."""

    @router.post("/server-kill")
    async def kill_server() -> PlainTextResponse:
        return end_server(services)

    @router.post("/server-stop")
    async def stop_server() -> PlainTextResponse:
        return end_server(services)

    @router.post("/server-restart")
    async def restart_server() -> PlainTextResponse:
        services.life.restart()
        return PlainTextResponse("Restarting.")


def end_server(services: Services) -> PlainTextResponse:
    """End in order: jobs are cancelled, what is made is saved, waiting calls are answered."""
    services.life.stop()
    return PlainTextResponse("Stopping.")


async def manage_models(services: Services, request: ModelsRequest) -> None:
    """Load or unload in turn with the other jobs, on the thread that owns the device."""
    await finish(services.submit(request, Delivery(tab="api", save_samples=False, save_grid=False)))


def describe_flags(flags: Flags) -> dict[str, Any]:
    """A1111's flags as they are set here; secrets are left empty."""
    own = {name: write_flag(value) for name, value in flags.model_dump().items() if name != "help"}
    known = {name: value for name, value in own.items() if name not in SECRET_FLAGS}
    named = {name: value for name, value in known.items() if value not in (None, "", [])}
    return a1111_flags() | {"api": True, **dict.fromkeys(SECRET_FLAGS)} | named


def write_flag(value: object) -> object:
    """A flag's value in JSON: a port is a text in A1111."""
    if isinstance(value, tuple):
        return [readable(str(item)) for item in cast("tuple[object, ...]", value)]
    return value if isinstance(value, bool | None) else readable(str(value))


def script_names(*, is_img2img: bool) -> list[str]:
    """The scripts that a request may name."""
    return [str(info["name"]) for info in script_infos() if info["is_img2img"] == is_img2img]


def community_infos(services: Services) -> list[ScriptInfo]:
    """Scripts of A1111's community extensions."""
    found = services.plugins.call("describe_scripts")
    return [ScriptInfo.model_validate(each) for scripts in found for each in scripts]


def community_names(services: Services, *, is_img2img: bool) -> list[str]:
    """Their names in a tab."""
    return [each.name or "" for each in community_infos(services) if each.is_img2img == is_img2img]


def describe_extension(record: ExtensionRecord) -> ExtensionItem:
    """An extension as A1111 lists it; none comes from a repository that is known here."""
    return ExtensionItem(
        name=record.name,
        remote="",
        branch="",
        commit_hash="",
        version="",
        commit_date="",
        enabled=record.state == "on",
    )


def own_parts(services: Services) -> list[tuple[str, type[RequestPart]]]:
    """What extensions' parts and scripts are called in requests."""
    plugins = services.plugins
    others = plugins.community_titles
    parts = [part for part in plugins.parts.values() if not part.is_script]
    named = [(part.alwayson_name or part.title, part) for part in parts]
    named += [(script.title, script.part) for script in plugins.scripts.values()]
    return [(title_beside(name, others), part) for name, part in named]


def own_names(services: Services, tab: str) -> list[str]:
    """Names of extensions' parts and scripts that a tab has, in small letters as A1111's."""
    parts = [(name, part) for name, part in own_parts(services) if tab in part.tabs]
    return [each.lower() for name, part in parts for each in (name, *part.known_by)]


def own_infos(services: Services) -> list[ScriptInfo]:
    """Extensions' parts and scripts with their fields, in the order of arguments."""
    return [
        ScriptInfo(
            name=name.lower(),
            is_alwayson=not part.is_script,
            is_img2img=tab == "img2img",
            args=[describe_field(field) for field in part.model_json_schema()["properties"].values()],
        )
        for name, part in own_parts(services)
        for tab in part.tabs
    ]


def describe_field(schema: dict[str, Any]) -> ScriptArg:
    """A field of a part as an argument."""
    return ScriptArg(
        label=schema.get("title"),
        value=schema.get("default"),
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        step=schema.get("step"),
        choices=[str(each) for each in schema["enum"]] if "enum" in schema else None,
    )


def describe_script(info: dict[str, Any], services: Services) -> ScriptInfo:
    """A script with its arguments, and what can be chosen for them now."""
    choices = {
        SAMPLER: lambda: [sampler.label for sampler in all_samplers()],
        SCHEDULE: lambda: [schedule.label for schedule in all_schedules()],
        CHECKPOINT: lambda: [file.title for file in services.catalog.files(ModelKind.CHECKPOINT)],
    }
    args = [
        argument | ({"choices": choices[argument["label"]]()} if argument["label"] in choices else {})
        for argument in info["args"]
    ]
    return ScriptInfo.model_validate(info | {"args": args})
