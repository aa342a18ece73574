"""Modules of JavaScript put together into one text, so that a browser asks once instead of once for each.

Each module becomes a function of its own that runs when the first other module, or the page, needs it, with
what its imports gave: the order, and what waits for what, are those of separate modules. Lines stay lines, so
that a source map leads from each to the module that it stands in.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from webui.core.errors import WebuiError

IMPORT = re.compile(
    r'^import (?:(?P<names>\{[^{}]*\}|\* as [\w$]+) from )?"(?P<path>\.{1,2}/[^"\n]+)";', re.MULTILINE
)
# What a module gives others, by its name; never changed later, so that it can be handed on once.
EXPORT = re.compile(
    r"^export (?P<rest>(?:async function\*?|function\*?|class|const) (?P<name>[\w$]+))(?=\W)", re.MULTILINE
)
# In comments, types of other modules are spelled alike, but a type's name follows.
DYNAMIC = re.compile(r'\bimport\("(?P<path>\.{1,2}/[^"\n]+)"\)(?!\.[A-Z])')
OTHER = re.compile(r"^(?:import\b(?!\()|export\b)|\bimport\.meta\b", re.MULTILINE)
RENAMED = re.compile(r"([\w$]+)\s+as\s+([\w$]+)")
# As in a browser, a module runs at once where nothing that it needs waits for something.
HEAD = """const $needs = {}, $runs = {}, $modules = {};
const $load = (name) => {
  if ($modules[name]) return $modules[name];
  const module = ($modules[name] = { gives: null, done: null });
  const needed = $needs[name].map($load);
  const run = () => $runs[name](needed.map(({ gives }) => gives), (gives) => (module.gives = gives));
  const isAtOnce = needed.every(({ gives }) => gives);
  module.done = isAtOnce ? run() : Promise.all(needed.map(({ done }) => done)).then(run);
  return module;
};
const $import = (name) => $load(name).done.then(() => $modules[name].gives);
"""
KNOWN = 'Known are import { a, b as c } from "./x.js"; and export before function, class and const.'
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class NotBundled(WebuiError):
    """A module that cannot be put together with others; it has to be served by itself."""


@dataclass(frozen=True, slots=True)
class ScriptModule:
    """A module as a function's body: its lines, what it needs at once or later, the names that it gives."""

    lines: tuple[str, ...]
    needs: tuple[str, ...]
    later: tuple[str, ...]
    gives: tuple[str, ...]


@dataclass(slots=True)
class ScriptBundle:
    """The text by lines, and for each the module and its line there, counted from 0; None for our own."""

    lines: list[str] = field(default_factory=list[str])
    origins: list[tuple[str, int] | None] = field(default_factory=list[tuple[str, int] | None])

    def add(self, *lines: str, module: str | None = None) -> None:
        """Append lines of a module, from its first on, or of our own."""
        self.lines += lines
        self.origins += [None if module is None else (module, number) for number in range(len(lines))]

    def text(self, map_name: str = "") -> str:
        """One module that runs all; `map_name` is where a browser's tools find the source map."""
        return "\n".join([*self.lines, *([f"//# sourceMappingURL={map_name}"] if map_name else []), ""])

    def source_map(self) -> str:
        """Version 3, as JSON: addresses of modules are below that of the map."""
        names = list(dict.fromkeys(origin[0] for origin in self.origins if origin))
        return json.dumps({"version": 3, "sources": names, "names": [], "mappings": self._mappings(names)})

    def _mappings(self, names: Sequence[str]) -> str:
        number = {name: at for at, name in enumerate(names)}
        last, told = (0, 0), list[str]()
        for origin in self.origins:
            if origin is None:
                told.append("")
                continue
            now = (number[origin[0]], origin[1])
            told.append(encode_vlq(0, now[0] - last[0], now[1] - last[1], 0))
            last = now
        return ";".join(told)


def bundle_modules(sources: Mapping[str, str], entries: Iterable[str], first: str = "") -> ScriptBundle:
    """All of `sources`, texts by path such as "js/cards/panel.js"; `entries` run with it, in order,
    as soon as the module `first` has.

    Raises NotBundled for what is written in ways that are not known here, for an import of what is not there,
    and for imports in a circle.
    """
    modules = {name: read_module(name, text) for name, text in sources.items()}
    check_imports(modules)
    bundle = ScriptBundle()
    bundle.add(*HEAD.splitlines())
    for name, module in modules.items():
        quoted = json.dumps(name)
        bundle.add(f"$needs[{quoted}] = {json.dumps(module.needs)};")
        # A property's name is the function's, too, which stands in what browsers tell of an error.
        bundle.add(f"Object.assign($runs, {{ {quoted}: async ($given, $give) => {{")
        bundle.add(*module.lines, module=name)
        bundle.add(f"$give({{ {', '.join(module.gives)} }}); }} }});")
    if first:
        bundle.add(f"await $load({json.dumps(first)}).done;")
    bundle.add(*(f"$load({json.dumps(name)});" for name in entries))
    return bundle


def read_module(name: str, text: str) -> ScriptModule:
    """A module whose imports and exports are written in the few ways that ours are. Raises NotBundled."""
    needs, later, gives = list[str](), list[str](), list[str]()

    def take_import(found: re.Match[str]) -> str:
        needs.append(resolve_path(name, found["path"]))
        names = found["names"]
        if names is None:
            return ""
        wanted = RENAMED.sub(r"\1: \2", names) if names.startswith("{") else names.removeprefix("* as ")
        return f"const {wanted} = $given[{len(needs) - 1}];"

    def take_export(found: re.Match[str]) -> str:
        gives.append(found["name"])
        return found["rest"]

    def take_dynamic(found: re.Match[str]) -> str:
        later.append(resolve_path(name, found["path"]))
        return f"$import({json.dumps(later[-1])})"

    body = EXPORT.sub(take_export, IMPORT.sub(take_import, text))
    body = DYNAMIC.sub(take_dynamic, body)
    if other := OTHER.search(body):
        line = body.count("\n", 0, other.start())
        words = body.split("\n")[line].strip()
        raise NotBundled(
            f"{name}, line {line + 1}: {words!r} is not written in a way that is known here. {KNOWN}"
        )
    return ScriptModule(tuple(body.split("\n")), tuple(needs), tuple(later), tuple(gives))


def resolve_path(name: str, path: str) -> str:
    """The path of a module that another one names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def check_imports(modules: Mapping[str, ScriptModule]) -> None:
    """Raises NotBundled for an import of what is not there, and for a circle, which would wait for itself."""
    done = set[str]()

    def visit(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            raise NotBundled(
                f"{' -> '.join([*way[way.index(name) :], name])}: each imports the next, in a circle."
            )
        if name in done:
            return
        for wanted in (*modules[name].needs, *modules[name].later):
            if wanted not in modules:
                raise NotBundled(f"{name} imports {wanted}, which is not among the modules.")
        for wanted in modules[name].needs:
            visit(wanted, (*way, name))
        done.add(name)

    for name in modules:
        visit(name, ())


def encode_vlq(*numbers: int) -> str:
    """Numbers as source maps write them: five bits a sign, the lowest of each number for its sign."""
    signs = list[str]()
    for number in numbers:
        rest = (abs(number) << 1) | (number < 0)
        while rest > 31:
            signs.append(BASE64[rest & 31 | 32])
            rest >>= 5
        signs.append(BASE64[rest])
    return "".join(signs)
