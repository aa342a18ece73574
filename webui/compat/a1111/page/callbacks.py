"""Callbacks that extensions register by A1111's names: whose they are, their order, and calling them."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webui.compat.a1111.page.calls import StartCall, call_at_start, call_each_at_start, call_extension

# Called while the page is built or the program ends, where one that hangs would hold it: within a time limit.
IN_TIME = frozenset(
    {"app_started", "before_ui", "on_reload", "script_unloaded", "ui_settings", "ui_tabs", "ui_train_tabs"}
)
OF_COMPONENTS = frozenset({"before_component", "after_component"})
# By the name of a callback: those that it comes before, and those that it comes after.
Constraints = Mapping[str, tuple[Sequence[str], Sequence[str]]]


@dataclass(slots=True)
class ScriptCallback:
    """A function, or a script, of the file `script`. `name` is extension/file/category, and more after it."""

    script: str
    callback: Any
    name: str = "unnamed"


@dataclass(frozen=True, slots=True)
class CallbackOrder:
    """How callbacks of a category are sorted: what extensions ask for, and which the owner wants first."""

    constraints: Constraints
    first: Sequence[str] = ()


class CallbackLists:
    """All callbacks, in a list for each category.

    `lists` is A1111's `callback_map`: its keys are "callbacks_" and the category, and others may change it.
    """

    def __init__(
        self,
        categories: Iterable[str],
        extension_of: Callable[[str], str],
        order_of: Callable[[str], CallbackOrder],
    ) -> None:
        self.lists: dict[str, list[ScriptCallback]] = {f"callbacks_{name}": [] for name in categories}
        self._extension_of = extension_of
        self._order_of = order_of

    def add(
        self,
        callbacks: list[ScriptCallback],
        function: Any,  # noqa: ANN401 - a function or a script
        *,
        name: str | None = None,
        category: str = "unknown",
        file: str,
    ) -> None:
        """Append a callback of a file to a list, under a name that no other of the list has."""
        path = Path(file)
        parts = [self._extension_of(file), path.name, category, *([name] if name else [])]
        full = wanted = "/".join(parts)
        taken = {each.name for each in callbacks}
        number = 1
        while full in taken:
            number += 1
            full = f"{wanted}-{number}"
        callbacks.append(ScriptCallback(file, function, full))

    def sort(self, category: str, callbacks: Sequence[ScriptCallback]) -> list[ScriptCallback]:
        """In the order in which they were added, but for what the order of the category says."""
        return sort_callbacks(callbacks, self._order_of(category))

    def of(self, category: str) -> list[ScriptCallback]:
        """The callbacks of a category, sorted."""
        return self.sort(category, self.lists[f"callbacks_{category}"])

    def call(
        self,
        category: str,
        *args: Any,  # noqa: ANN401 - as the callbacks take
        is_reversed: bool = False,
        **named: Any,  # noqa: ANN401 - as above
    ) -> list[tuple[ScriptCallback, Any]]:
        """Call all of a category; what each gave, None where it failed."""
        callbacks = self.of(category) if self.lists[f"callbacks_{category}"] else []
        if category in OF_COMPONENTS:
            where = f"on_{category}"
            call_each_at_start(
                [StartCall(each.script, where, each.callback, args, named) for each in callbacks]
            )
            return []
        if is_reversed:
            callbacks.reverse()
        call = call_at_start if category in IN_TIME else call_extension
        return [
            (each, call(each.script, f"on_{category}", each.callback, *args, **named)) for each in callbacks
        ]

    def call_new(self, category: str, called: list[Any]) -> None:
        """Call those of a category that are not in `called`, and note them there."""
        for each in self.of(category):
            if not any(each.callback is known for known in called):
                called.append(each.callback)
                call_extension(each.script, f"on_{category}", each.callback)

    def remove_file(self, file: str) -> None:
        """Take away all callbacks of a file."""
        for callbacks in self.lists.values():
            callbacks[:] = [each for each in callbacks if each.script != file]

    def remove_function(self, function: object) -> None:
        """Take away a function, wherever it was added."""
        for callbacks in self.lists.values():
            callbacks[:] = [each for each in callbacks if each.callback != function]

    def clear(self) -> None:
        """Take all away."""
        for callbacks in self.lists.values():
            callbacks.clear()


def caller_file(*own: str) -> str:
    """The file of the code that called, leaving out this one and those of `own`."""
    # Python's documented way to the code that calls.
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    left_out = {__file__, *own}
    while frame is not None and frame.f_code.co_filename in left_out:
        frame = frame.f_back
    return frame.f_code.co_filename if frame is not None else "unknown file"


def sort_callbacks(callbacks: Sequence[ScriptCallback], order: CallbackOrder) -> list[ScriptCallback]:
    """A stable sort by the constraints, then those that are wanted first; a circle is cut where it closes."""
    by_name = {each.name: each for each in callbacks}
    after: dict[str, set[str]] = {each.name: set() for each in callbacks}
    for name, (befores, afters) in order.constraints.items():
        if name not in after:
            continue
        after[name] |= {each for each in afters if each in after}
        for each in befores:
            if each in after:
                after[each].add(name)
    sorted_names = resolve_order([each.name for each in callbacks], after)
    wanted = [name for name in order.first if name in by_name]
    return [by_name[name] for name in dict.fromkeys([*wanted, *sorted_names])]


def resolve_order(names: Sequence[str], after: Mapping[str, set[str]]) -> list[str]:
    """The names, each behind those that it comes after, else as they were."""
    placed: dict[str, None] = {}
    for name in names:
        # Without recursion: a chain may be as long as the list.
        stack, visiting = [name], set[str]()
        while stack:
            top = stack[-1]
            visiting.add(top)
            waiting = [
                each
                for each in names
                if each in after.get(top, ()) and each not in placed and each not in visiting
            ]
            if waiting:
                stack.append(waiting[0])
            else:
                placed.setdefault(stack.pop())
    return list(placed)
