"""A1111's command line as extensions know it: a parser to which they add flags, and the values it reads."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from webui.compat.a1111 import host as hosts
from webui.compat.a1111.layout import HostLayout, layout
from webui.core.a1111_flags import EXPLANATIONS, flag_defaults
from webui.core.flags import Flags, WrongFlag, unknown_flags
from webui.core.sampling import unknown_name
from webui.plugins.loading import FOLDER

# Flags whose values are numbers, though they have none by default.
NUMBERS = frozenset({"port", "sub_quad_kv_chunk_size", "sub_quad_chunk_threshold"})
# Flags that take several words, and those that are given several times.
WORDS, REPEATED = frozenset({"use_cpu"}), frozenset({"styles_file", "gradio_allowed_path"})
# Folders and files that lie in A1111's folder.
BELOW_ROOT = frozenset(
    {
        "embeddings_dir",
        "gfpgan_dir",
        "localizations_dir",
        "textual_inversion_templates_dir",
        "ui_config_file",
    }
)
MODELS = "models/"


class CommandLine(argparse.ArgumentParser):
    """The parser. A flag that is defined again replaces the one before; what is wrong is raised."""

    def __init__(self) -> None:
        super().__init__(prog="app.py", add_help=False, conflict_handler="resolve", allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise WrongFlag, in place of ending the program."""
        raise WrongFlag(f"An extension's flag was given wrongly: {message}.")

    @property
    def flags(self) -> frozenset[str]:
        """All flags, with their dashes."""
        return frozenset(self._option_string_actions)


def make_parser(places: HostLayout) -> CommandLine:
    """A parser that takes all flags of A1111's, with the places that they name made absolute, and ours."""
    parser = CommandLine()
    defaults = flag_defaults()
    for name, default in defaults.items():
        add_flag(parser, name, absolute_default(name, default, places))
    # Static files of extensions are given out without being allowed, and some warn where they are not.
    allowed = [str(places.root / FOLDER)]
    parser.set_defaults(
        data_dir=str(places.root),
        models_dir=str(places.models),
        gradio_allowed_path=allowed,
        # It is always there; some add routes of theirs only beside it.
        api=True,
        # Settings have A1111's keys, and extensions read the file.
        ui_settings_file=str(settings_path(places)),
    )
    for name in Flags.model_fields.keys() - defaults.keys():
        add_unseen(parser, name, is_switch=Flags.model_fields[name].annotation is bool)
    explained = {flag.replace("-", "_") for flags in EXPLANATIONS.values() for flag in flags}
    for name in explained - defaults.keys():
        add_unseen(parser, name, is_switch=None)
    return parser


def settings_path(places: HostLayout) -> Path:
    """The file of the settings."""
    services = hosts.current().services if hosts.is_running() else None
    return services.settings.path if services else places.root / "data" / "settings.json"


def add_flag(parser: CommandLine, name: str, default: Any) -> None:  # noqa: ANN401 - of any type
    """Add a flag of A1111's, of the type of its default."""
    flag = f"-{name}" if len(name) == 1 else spelled(name)
    if isinstance(default, bool):
        parser.add_argument(flag, dest=name, action="store_true", default=default)
    elif name in WORDS:
        parser.add_argument(flag, nargs="+", default=default)
    elif name in REPEATED:
        parser.add_argument(flag, action="append", default=default)
    elif name in NUMBERS or isinstance(default, int):
        parser.add_argument(flag, type=int, default=default)
    elif name == "ngrok_options":
        parser.add_argument(flag, type=json.loads, default=default)
    else:
        parser.add_argument(flag, type=str, default=default)


def add_unseen(parser: CommandLine, name: str, *, is_switch: bool | None) -> None:
    """Accept a flag that A1111 has none of: unless it is given, no attribute tells of it."""
    if is_switch:
        parser.add_argument(spelled(name), action="store_true", default=argparse.SUPPRESS)
    else:
        # Switches of other programs stand alone, others have one word or several.
        parser.add_argument(spelled(name), nargs="*", default=argparse.SUPPRESS)


def spelled(name: str) -> str:
    """The flag of an attribute."""
    return "--" + name.replace("_", "-")


def absolute_default(name: str, default: Any, places: HostLayout) -> Any:  # noqa: ANN401 - of any type
    """A default that names a place, as an absolute path; any other as it is."""
    if not isinstance(default, str):
        return list(default) if isinstance(default, list) else default
    if default.startswith(MODELS):
        return str(places.models / default.removeprefix(MODELS))
    return str(places.root / Path(default)) if name in BELOW_ROOT else default


def read_options(parser: CommandLine, arguments: Sequence[str]) -> argparse.Namespace:
    """The values of a command line's words. Raises WrongFlag."""
    options, _ = parser.parse_known_args(list(arguments))
    return options


def check_unknown(parser: CommandLine, arguments: Sequence[str]) -> None:
    """Raise WrongFlag for a flag that neither the program nor an extension knows."""
    for flag in unknown_flags(arguments):
        if flag not in parser.flags:
            raise WrongFlag(unknown_name("flag", flag, sorted(parser.flags)) + " --help lists ours.")


def current_parser() -> CommandLine:
    """The host's parser; a new one where there is none yet, as in the process of an `install.py`."""
    host = hosts.current() if hosts.is_running() else None
    if host is None or host.parser is None:
        parser = make_parser(layout())
        if host is not None:
            host.parser = parser
        return parser
    return host.parser


def current_options() -> argparse.Namespace:
    """What the host's command line said."""
    host = hosts.current() if hosts.is_running() else None
    if host is not None and host.options is not None:
        return host.options
    options = read_options(current_parser(), layout().arguments)
    if host is not None:
        host.options = options
    return options
