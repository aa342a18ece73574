"""A training run in a TOML file, as the headless trainer reads it. Loads no torch."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from webui.core.errors import InvalidRequest
from webui.core.work.training_run import TrainingRun

# Fields that may be paths, which begin beside the file or where the program was started.
PATHS = ("data", "regularisation", "start_from", "checkpoint")


def read_run_file(path: Path, folder: Path) -> TrainingRun:
    """The run in a file; paths in it that exist are whole, below the file's folder or else `folder`.

    Raises InvalidRequest.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise InvalidRequest(f"{path.name} is no TOML file: {str(error).rstrip('.')}.") from error
    try:
        run = TrainingRun.model_validate(values)
    except ValidationError as error:
        raise InvalidRequest(f"{path.name}: {describe(error)}") from error
    places = (path.resolve().parent, folder)
    found = {name: find_path(getattr(run, name), places) for name in PATHS}
    return run.model_copy(update={name: value for name, value in found.items() if value is not None})


def find_path(text: str | None, places: tuple[Path, ...]) -> str | None:
    """The whole path that a text names in one of some folders; None where nothing is there."""
    for place in places if text else ():
        try:
            path = (place / Path(text or "").expanduser()).resolve()
            if path.exists():
                return str(path)
        except (OSError, RuntimeError, ValueError):
            # It is a name and no path.
            continue
    return None


def describe(error: ValidationError) -> str:
    """A sentence on the first wrong field."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"The key {name!r} is missing. Every run has method, checkpoint, name and data."
    if first["type"] == "extra_forbidden":
        known = ", ".join(TrainingRun.model_fields)
        return f"There is no key {name!r}. The keys are {known}."
    return f"The key {name!r} is {first['input']!r}: {first['msg']}."
