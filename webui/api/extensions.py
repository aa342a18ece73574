"""/v1/extensions: which extensions there are, switching them on and off, and their own settings."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, JsonValue, ValidationError

from webui.core.errors import InvalidRequest, NotFound
from webui.core.request import explain
from webui.core.settings import ExtensionSettings
from webui.jobs.services import Services
from webui.plugins.loading import ExtensionRecord


class ExtensionAnswer(BaseModel):
    """One extension. `wanted`: whether it is loaded at the next start. `schema` draws its settings."""

    name: str
    origin: str
    state: str
    error: str
    seconds: float
    failures: int
    wanted: bool
    settings_title: str = ""
    settings_schema: dict[str, Any] | None = None
    settings: dict[str, JsonValue] = {}


class ExtensionList(BaseModel):
    """All extensions in the order in which they are called; `problems` are sentences on what went wrong."""

    extensions: list[ExtensionAnswer]
    problems: list[str]


class ExtensionChange(BaseModel):
    """What of an extension is to be otherwise; None stays."""

    wanted: bool | None = None
    settings: dict[str, JsonValue] | None = None


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()

    @router.get("/v1/extensions")
    def list_extensions() -> ExtensionList:
        """All extensions, those that are off too."""
        records = [describe(each, services) for each in services.extensions.records]
        return ExtensionList(extensions=records, problems=services.extensions.problems)

    @router.patch("/v1/extensions/{name}")
    def change_extension(name: str, change: ExtensionChange) -> ExtensionAnswer:
        """Switch an extension on or off for the next start, or change its own settings at once."""
        record = find_record(name, services)
        options = changed_options(record, change, services.settings.current.extensions)
        if options:
            services.settings.change(options)
        return describe(record, services)

    return router


def find_record(name: str, services: Services) -> ExtensionRecord:
    """The extension of a name. Raises NotFound."""
    for each in services.extensions.records:
        if each.name == name:
            return each
    raise NotFound(f"There is no extension {name!r}.")


def describe(record: ExtensionRecord, services: Services) -> ExtensionAnswer:
    """An extension as it is now, with its settings."""
    settings, model = services.settings.current, record.settings
    answer = ExtensionAnswer(
        name=record.name,
        origin=record.origin,
        state=record.state,
        error=record.error,
        seconds=record.seconds,
        failures=record.failures,
        wanted=record.name not in settings.extensions.disabled_extensions,
    )
    if model is None:
        return answer
    schema = model.model_json_schema()
    values = settings.extension(model, record.name).model_dump(mode="json")
    shown = {"settings_schema": schema, "settings": values, "settings_title": str(schema["title"])}
    return answer.model_copy(update=shown)


def changed_options(
    record: ExtensionRecord, change: ExtensionChange, current: ExtensionSettings
) -> dict[str, Any]:
    """The options that a change sets, by key. Raises InvalidRequest."""
    options: dict[str, Any] = {}
    if change.wanted is not None:
        others = tuple(each for each in current.disabled_extensions if each != record.name)
        options["disabled_extensions"] = others if change.wanted else (*others, record.name)
    if change.settings is not None:
        own = checked(record, change.settings)
        options["extension_values"] = current.extension_values | {record.name: own}
    return options


def checked(record: ExtensionRecord, values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Those of an extension's settings that differ from its defaults. Raises InvalidRequest."""
    if record.settings is None:
        raise InvalidRequest(f"The extension {record.name!r} has no settings, or is not loaded.")
    try:
        return record.settings.model_validate(values).model_dump(mode="json", exclude_defaults=True)
    except ValueError as error:
        sentence = explain(error) if isinstance(error, ValidationError) else str(error)
        raise InvalidRequest(sentence) from error
