# pyright: basic
# ruff: noqa: ANN401 - another library's functions, of whatever types that takes
"""pydantic as extensions of pydantic 1's time know it, which is the one that A1111 comes with.

Only their own files see it. Its models are pydantic 2's all the same, for FastAPI takes no others in routes.
Files that use what pydantic 2 has nothing of get pydantic 1 itself, which comes along as `pydantic.v1`.
"""

import inspect
import json
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import FunctionType, ModuleType, UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

import pydantic
from pydantic import AfterValidator, ConfigDict
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

PYDANTIC = "pydantic"
_IMPORT = re.compile(r"^\s*(?:from|import)\s+pydantic\b", re.MULTILINE)
# Whoever uses one of these knows pydantic 2, or chooses for itself.
_OF_2 = re.compile(
    r"\b(?:pydantic\.v1|pydantic\s+import\s+v1|pydantic_settings|ConfigDict|RootModel|TypeAdapter|model_config"
    r"|(?:field|model)_(?:validator|serializer)|model_(?:dump|validate|construct|fields)\w*|computed_field)\b"
)
# What pydantic 2 has nothing of, or nothing that is used so.
_OF_1_ALONE = re.compile(
    r"\b(?:BaseSettings|GenericModel|ModelField|BaseConfig|ModelMetaclass|__root__|validate_model"
    r"|pydantic\.(?:generics|env_settings|main|error_wrappers|class_validators|typing|datetime_parse))\b"
)
CONFIGURATION = {
    "allow_population_by_field_name": "populate_by_name",
    "anystr_lower": "str_to_lower",
    "anystr_strip_whitespace": "str_strip_whitespace",
    "anystr_upper": "str_to_upper",
    "keep_untouched": "ignored_types",
    "max_anystr_length": "str_max_length",
    "min_anystr_length": "str_min_length",
    "orm_mode": "from_attributes",
    "schema_extra": "json_schema_extra",
    "validate_all": "validate_default",
}
LIMITS = {"min_items": "min_length", "max_items": "max_length"}
# Of 1's configuration and without a counterpart: left out.
WITHOUT_COUNTERPART = frozenset(
    {
        "copy_on_model_validation",
        "error_msg_templates",
        "fields",
        "getter_dict",
        "json_dumps",
        "json_loads",
        "post_init_call",
        "smart_union",
        "underscore_attrs_are_private",
    }
)


def which_is_wanted(source: str) -> str:
    """Which pydantic a file is written for: "over 2", "1", or "" for the one that is installed."""
    if not _IMPORT.search(source) or _OF_2.search(source):
        return ""
    return "1" if _OF_1_ALONE.search(source) else "over 2"


@cache
def pydantic_1() -> ModuleType:
    """pydantic 1 itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pydantic.v1 as old  # seldom needed, and large

    return old


def part_of_pydantic_1(name: str) -> ModuleType | None:
    """What stands for `pydantic` or a module in it; None where pydantic 1 has no such module."""
    pydantic_1()
    try:
        __import__(f"{PYDANTIC}.v1{name.removeprefix(PYDANTIC)}")
    except ImportError:
        return None
    return sys.modules[f"{PYDANTIC}.v1{name.removeprefix(PYDANTIC)}"]


class OldMeta(type(pydantic.BaseModel)):
    """Makes models of classes that are written for pydantic 1."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **given: Any) -> type:
        """As pydantic's own, of what its rules are made of here."""
        annotate_values(namespace)
        add_none(namespace)
        configuration = namespace.pop("Config", None)
        settings = {
            key: getattr(configuration, key)
            for key in dir(configuration or object)
            if not key.startswith("_")
        }
        for key in [key for key in given if key in CONFIGURATION or key in ConfigDict.__annotations__]:
            settings[key] = given.pop(key)
        if translated := translate_configuration(settings):
            namespace["model_config"] = {**namespace.get("model_config", {}), **translated}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made: Any = super().__new__(mcs, name, bases, namespace, **given)
        if configuration is not None:
            made.Config = made.__config__ = configuration
        return made

    @property
    def __fields__(cls) -> dict[str, "OldField"]:
        """The fields as pydantic 1 describes them."""
        model: Any = cls
        return {name: OldField(model, name) for name in model.model_fields}


def translate_configuration(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a `class Config` by pydantic 2's names."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if key == "allow_mutation":
            found["frozen"] = not value
        elif key not in WITHOUT_COUNTERPART:
            # `Extra.forbid`
            plain = getattr(value, "value", value) if key == "extra" else value
            found[CONFIGURATION.get(key, key)] = plain
    return {key: value for key, value in found.items() if key in ConfigDict.__annotations__}


def annotate_values(namespace: dict[str, Any]) -> None:
    """A value without an annotation is a field of its type, but for functions and classes."""
    annotations = namespace.setdefault("__annotations__", {})
    for name, value in list(namespace.items()):
        is_field = isinstance(value, bool | int | float | str | list | dict | tuple | set)
        if is_field and not name.startswith("_") and name not in annotations and name != "model_config":
            annotations[name] = type(value)


def add_none(namespace: dict[str, Any]) -> None:
    """A field that may be None is None where nothing is said."""
    annotations = namespace.get("__annotations__", {})
    for name, annotation in list(annotations.items()):
        if name.startswith("_") or not may_be_none(annotation):
            continue
        value = namespace.setdefault(name, None)
        if isinstance(value, FieldInfo) and value.default is PydanticUndefined and not value.default_factory:
            annotations[name], namespace[name] = Annotated[annotation, value], None


def may_be_none(annotation: Any) -> bool:
    """Whether an annotation, which may be a text, allows None."""
    if isinstance(annotation, str):
        return bool(re.match(r"(?:\w+\.)?(?:Optional\[|Any$)|.*\|\s*None$|None\s*\|", annotation.strip()))
    if get_origin(annotation) is Annotated:
        return may_be_none(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return type(None) in get_args(annotation)
    return annotation is Any


class OldModel(pydantic.BaseModel, metaclass=OldMeta):
    """`BaseModel`: lenient and with the methods of pydantic 1."""

    model_config = ConfigDict(coerce_numbers_to_str=True, protected_namespaces=(), regex_engine="python-re")

    class Config:
        """What models derive their `Config` from."""

    def dict(self, *, skip_defaults: bool = False, **given: Any) -> dict[str, Any]:
        """The fields."""
        given["exclude_unset"] = given.get("exclude_unset", False) or skip_defaults
        return self.model_dump(**given)

    def json(self, *, encoder: Callable[[Any], Any] | None = None, **given: Any) -> str:
        """The fields as JSON; what `dict` does not know goes to `json.dumps`."""
        given.pop("models_as_dict", None)
        wanted = set(inspect.signature(pydantic.BaseModel.dict).parameters) | {"skip_defaults"}
        fields = self.dict(**{key: given.pop(key) for key in list(given) if key in wanted})
        return json.dumps(fields, default=encoder or self._encode, **given)

    @classmethod
    def _encode(cls, value: Any) -> Any:
        encoders = cls.model_config.get("json_encoders") or {}
        chosen = next((encoders[each] for each in type(value).__mro__ if each in encoders), None)
        return chosen(value) if chosen else to_jsonable_python(value)


OldModel.__name__ = OldModel.__qualname__ = "BaseModel"


class OldField:
    """A field as pydantic 1 describes it."""

    def __init__(self, model: Any, name: str) -> None:
        info: FieldInfo = model.model_fields[name]
        inner = [each for each in get_args(info.annotation) if each is not type(None)]
        is_union = get_origin(info.annotation) in (Union, UnionType)
        self.name, self.field_info = name, info
        self.alias = info.alias or name
        self.outer_type_: Any = inner[0] if is_union and len(inner) == 1 else info.annotation
        parts = get_args(self.outer_type_)
        self.type_: Any = parts[-1] if parts and get_origin(self.outer_type_) in (list, dict, set) else None
        self.type_ = self.type_ or self.outer_type_
        self.annotation = info.annotation
        self.required = info.is_required()
        self.default = None if info.default is PydanticUndefined else info.default
        self.default_factory = info.default_factory
        self.allow_none = may_be_none(info.annotation)

    def get_default(self) -> Any:
        """What the field is where nothing is said."""
        return self.field_info.get_default(call_default_factory=True)


def old_limits(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of pydantic 1 for a field or a type by pydantic 2's names."""
    found = {LIMITS.get(key, key): value for key, value in given.items() if key != "regex"}
    if given.get("regex") is not None:
        # It is looked for at the beginning.
        found["pattern"] = f"^(?:{given['regex']})"
    return found


def old_field(default: Any = PydanticUndefined, *, const: bool | None = None, **given: Any) -> Any:
    """`Field` of pydantic 1."""
    if "allow_mutation" in given:
        given["frozen"] = not given.pop("allow_mutation")
    given.pop("unique_items", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        info: Any = pydantic.Field(default, **old_limits(given))
    if const:
        info.metadata.append(AfterValidator(partial(check_const, default)))
    return info


def check_const(wanted: Any, value: Any) -> Any:
    """The value of a field that has one alone. Raises ValueError."""
    if value != wanted:
        raise ValueError(f"unexpected value; permitted: {wanted!r}")
    return value


def old_type(make: Callable[..., Any], *args: Any, **given: Any) -> Any:
    """`constr`, `conlist` and their like of pydantic 1."""
    given.pop("unique_items", None)
    return make(*args, **old_limits(given))


def old_validator(*fields: str, pre: bool = False, always: bool = False, **given: Any) -> Callable[..., Any]:
    """`validator` of pydantic 1, whose functions may ask for `values`, `field` and `config`."""
    given = {key: value for key, value in given.items() if key in ("each_item", "check_fields")}

    def decorate(function: Any) -> Any:
        plain = function.__func__ if isinstance(function, classmethod) else function
        wanted = [each for each in inspect.signature(plain).parameters if each in ("field", "config")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decorator = pydantic.validator(*fields, pre=pre, always=always, **given)
            return decorator(give_field(plain, fields[0], wanted) if wanted else plain)

    return decorate


def give_field(function: Any, field: str, wanted: list[str]) -> Any:
    """A validator that is handed the description of its first field, and the configuration."""
    takes_values = "values" in inspect.signature(function).parameters

    def validate(cls: Any, value: Any, values: dict[str, Any]) -> Any:
        given = {"values": values} if takes_values else {}
        described = {
            "field": OldField(cls, field) if field in cls.model_fields else None,
            "config": cls.Config,
        }
        return function(cls, value, **given, **{each: described[each] for each in wanted})

    return validate


def old_root_validator(*functions: Any, pre: bool = False, **given: Any) -> Any:
    """`root_validator` of pydantic 1, with or without arguments."""

    def decorate(function: Any) -> Any:
        plain = function.__func__ if isinstance(function, classmethod) else function
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            make: Any = pydantic.root_validator
            return make(pre=True)(read_attributes(plain)) if pre else make(skip_on_failure=True)(plain)

    return decorate(functions[0]) if functions and isinstance(functions[0], FunctionType) else decorate


def read_attributes(function: Any) -> Any:
    """A validator that is handed the fields of an object where a model is made of one."""

    def validate(cls: Any, values: Any) -> Any:
        if not isinstance(values, Mapping):
            values = {name: getattr(values, name) for name in cls.model_fields if hasattr(values, name)}
        return function(cls, values)

    return validate


class OldPydantic(ModuleType):
    """pydantic with these in the place of its own. What is set here is set for extensions alone."""

    replaced: ClassVar[dict[str, Any]] = {
        "BaseModel": OldModel,
        "Field": old_field,
        "validator": old_validator,
        "root_validator": old_root_validator,
        "constr": partial(old_type, pydantic.constr),
        "conlist": partial(old_type, pydantic.conlist),
        "conset": partial(old_type, pydantic.conset),
        "VERSION": "1.10.15",
    }

    def __init__(self) -> None:
        super().__init__(PYDANTIC, pydantic.__doc__)
        self.__dict__["__path__"] = pydantic.__path__
        self.__dict__["__version__"] = self.replaced["VERSION"]

    def __getattr__(self, name: str) -> Any:
        return self.replaced[name] if name in self.replaced else getattr(pydantic, name)

    def __dir__(self) -> list[str]:
        """pydantic's names."""
        return dir(pydantic)


@cache
def pydantic_over_2() -> ModuleType:
    """The module that stands for pydantic in an extension's file."""
    return OldPydantic()
