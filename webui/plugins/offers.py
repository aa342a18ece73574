"""What an extension offers when the program starts: request parts, scripts, samplers, settings."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

import pluggy
from pydantic import BaseModel

from webui.core.sampling import AddedSampler, AddedSchedule, ScheduleInfo
from webui.plugins.host import PROJECT, Titled
from webui.plugins.parts import RequestPart
from webui.plugins.trainables import AddedTrainable

KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")


class WrongOffer(Exception):
    """An extension offers what cannot be taken. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class ExtensionOffers:
    """What one extension offers. `settings` is the model of its own settings."""

    parts: tuple[type[RequestPart], ...] = ()
    scripts: tuple[Titled, ...] = ()
    settings: type[BaseModel] | None = None
    samplers: tuple[AddedSampler, ...] = ()
    schedules: tuple[AddedSchedule, ...] = ()
    trainables: tuple[AddedTrainable, ...] = ()


def collect_offers(plugin: object, name: str, specs: ModuleType) -> ExtensionOffers:
    """Ask an extension what it offers. Raises what the extension raises, WrongOffer, and pluggy's errors."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    manager.register(plugin, name)
    manager.check_pending()

    def ask(hook: str) -> list[Any]:
        """What it returns for a hook, in one list."""
        results: list[Any] = getattr(manager.hook, hook)()
        return [each for result in results for each in as_list(result)]

    scripts = tuple(check_script(each) for each in ask("register_scripts"))
    parts = [check_part(each) for each in ask("register_request_part")]
    parts += [script.part for script in scripts if script.part not in parts]
    settings = [check_settings(each) for each in ask("register_settings")]
    if len(settings) > 1:
        raise WrongOffer("register_settings gives several models. Give one.")
    return ExtensionOffers(
        parts=tuple(parts),
        scripts=scripts,
        settings=settings[0] if settings else None,
        samplers=tuple(check_sampler(each) for each in ask("register_samplers")),
        schedules=tuple(schedules_of(manager.hook.register_schedules())),
        trainables=tuple(check_trainable(each) for each in ask("register_trainables")),
    )


def as_list(result: object) -> list[Any]:
    """What a hook returned: one value, or several."""
    if (
        isinstance(result, Mapping | str | bytes)
        or not isinstance(result, Iterable)
        or isinstance(result, type)
    ):
        return [result]
    return list(cast(Iterable[Any], result))


def check_part(part: object) -> type[RequestPart]:
    """The class of a request part. Raises WrongOffer."""
    if not (isinstance(part, type) and issubclass(part, RequestPart)):
        raise WrongOffer(f"{part!r} is no request part. Derive its class from webui.plugins.RequestPart.")
    key: object = getattr(part, "key", None)
    title: object = getattr(part, "title", None)
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise WrongOffer(f"The key of {part.__name__} is {key!r}. Use small letters, digits and '_'.")
    if not isinstance(title, str) or not title.strip():
        raise WrongOffer(f"{part.__name__} has no title. Give it one: it stands on the page.")
    refuse_without_defaults(part)
    return part


def refuse_without_defaults(model: type[BaseModel]) -> None:
    """Raise WrongOffer where a field has no default: forms begin with the defaults."""
    lacking = [name for name, each in model.model_fields.items() if each.is_required()]
    if lacking:
        raise WrongOffer(f"{model.__name__} has no default for {', '.join(lacking)}. Give each field one.")


def check_script(script: object) -> Any:  # noqa: ANN401 - webui.plugins.scripts.Script, which this floor may not load
    """A script. Raises WrongOffer."""
    title: object = getattr(script, "title", None)
    if not isinstance(title, str) or not title.strip():
        raise WrongOffer(f"{script!r} has no title.")
    if not callable(getattr(script, "run", None)):
        raise WrongOffer(f"The script {title!r} has no method 'run'.")
    part = check_part(getattr(script, "part", None))
    if not part.is_script:
        raise WrongOffer(f"The values of the script {title!r}, {part.__name__}, need 'is_script = True'.")
    return script


def check_settings(model: object) -> type[BaseModel]:
    """The model of an extension's settings. Raises WrongOffer."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise WrongOffer(
            f"register_settings gives {model!r}. Give a class derived from pydantic's BaseModel."
        )
    refuse_without_defaults(model)
    return model


def check_sampler(sampler: object) -> AddedSampler:
    """A sampler. Raises WrongOffer."""
    if not isinstance(sampler, AddedSampler):
        raise WrongOffer(f"register_samplers gives {sampler!r}. Give webui.plugins.AddedSampler values.")
    if (sampler.in_sigmas is None) == (sampler.in_timesteps is None):
        raise WrongOffer(f"The sampler {sampler.info.label!r} needs 'in_sigmas' or 'in_timesteps', not both.")
    return sampler


def check_trainable(trainable: object) -> AddedTrainable:
    """A method of training. Raises WrongOffer."""
    if not isinstance(trainable, AddedTrainable):
        raise WrongOffer(
            f"register_trainables gives {trainable!r}. Give webui.plugins.AddedTrainable values."
        )
    if not KEY.fullmatch(trainable.name):
        raise WrongOffer(
            f"The method of training is named {trainable.name!r}. Use small letters, digits and '_'."
        )
    return trainable


def schedules_of(results: Iterable[Mapping[str, Callable[..., Any]]]) -> Iterable[AddedSchedule]:
    """Schedules by label. Raises WrongOffer."""
    for result in results:
        if not isinstance(result, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - strangers' code
            raise WrongOffer("register_schedules gives no mapping of labels to functions.")
        for label, function in result.items():
            name = re.sub(r"\W+", "_", label.lower()).strip("_")
            yield AddedSchedule(ScheduleInfo(name, label), function)
