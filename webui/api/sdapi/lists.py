"""A1111's lists of what can be chosen besides networks of prompts."""

from pathlib import Path

from fastapi import APIRouter

from webui.api.sdapi.answers import PromptStyleItem, SamplerItem, SchedulerItem, SDModelItem, SDVaeItem
from webui.core.model_file import ModelFile, ModelKind
from webui.core.readable import readable
from webui.core.sampling import SamplerInfo, ScheduleInfo, all_samplers, all_schedules
from webui.jobs.services import Services


def add_list_routes(router: APIRouter, services: Services) -> None:
    """GET lists, and POST to look at the folders again."""

    @router.get("/samplers")
    def list_samplers() -> list[SamplerItem]:
        return [describe_sampler(info) for info in all_samplers()]

    @router.get("/schedulers")
    def list_schedulers() -> list[SchedulerItem]:
        return [describe_schedule(info) for info in all_schedules()]

    @router.get("/sd-models")
    def list_checkpoints() -> list[SDModelItem]:
        services.catalog.settle(ModelKind.CHECKPOINT)
        return [describe_checkpoint(file) for file in services.catalog.files(ModelKind.CHECKPOINT)]

    @router.get("/sd-vae")
    def list_vaes() -> list[SDVaeItem]:
        services.catalog.settle(ModelKind.VAE)
        files = services.catalog.files(ModelKind.VAE)
        return [SDVaeItem(model_name=file.file_name, filename=file.path_text) for file in files]

    @router.get("/prompt-styles")
    def list_styles() -> list[PromptStyleItem]:
        return [
            PromptStyleItem(name=style.name, prompt=style.prompt, negative_prompt=style.negative_prompt)
            for style in services.requests.styles().styles
        ]

    @router.post("/refresh-checkpoints")
    def refresh_checkpoints() -> None:
        services.catalog.scan()

    @router.post("/refresh-vae")
    def refresh_vae() -> None:
        services.catalog.scan()


def describe_sampler(info: SamplerInfo) -> SamplerItem:
    """A sampler, its properties under A1111's names."""
    options = {} if info.default_schedule == "Automatic" else {"scheduler": info.default_schedule.lower()}
    flags = {
        "second_order": info.is_second_order,
        "uses_ensd": info.uses_ensd,
        "discard_next_to_last_sigma": info.discards_next_to_last_sigma,
        "brownian_noise": info.uses_brownian_noise,
    }
    solver = {"solver_type": "heun"} if info.label == "DPM++ 2M SDE Heun" else {}
    options |= {name: "True" for name, is_set in flags.items() if is_set} | solver
    return SamplerItem(name=info.label, aliases=list(info.aliases), options=options)


def describe_schedule(info: ScheduleInfo) -> SchedulerItem:
    """A schedule."""
    return SchedulerItem(
        name=info.name,
        label=info.label,
        aliases=list(info.aliases) or None,
        default_rho=info.default_rho,
        need_inner_model=info.needs_network_sigmas,
    )


def describe_checkpoint(file: ModelFile) -> SDModelItem:
    """A checkpoint."""
    sidecar = file.path.with_suffix(".yaml")
    return SDModelItem(
        title=file.title,
        model_name=str(Path(file.name).with_suffix("")).replace("/", "_").replace("\\", "_"),
        hash=file.short_hash,
        sha256=file.sha256,
        filename=file.path_text,
        config=readable(str(sidecar)) if sidecar.is_file() else None,
    )
