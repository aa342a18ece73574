"""Importing scripts, and the order in which they come."""

import builtins
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.compat.a1111.limits import ImportLimits, ImportTookTooLong
from webui.compat.a1111.loading.metadata import ScriptRules, sort_by_rules
from webui.compat.a1111.loading.scripts import describe_lacking, import_script, ordered_scripts
from webui.compat.a1111.loading.undoing import Undoing, keep_process
from webui.plugins.community import CommunityFolder


def write(root: Path, place: str, text: str = "") -> None:
    file = root / "extensions" / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.fixture
def find(host, tmp_path):
    """Gives a function that finds the scripts of the extensions in the test's folder, in order."""

    def find_scripts():
        folders = sorted((tmp_path / "extensions").iterdir())
        host.folders = tuple(CommunityFolder(each.name, each) for each in folders)
        for each in host.folders:
            host.health.add(each.name, each.folder)
        return ordered_scripts(host)

    return find_scripts


def names(scripts) -> list[str]:
    return [f"{each.extension}/{each.filename}" for each in scripts]


def test_metadata_puts_scripts_before_and_after_others(find, host, tmp_path):
    for place in ("a/scripts/x.py", "a/scripts/y.py", "b/scripts/z.py", "c/scripts/w.py", "d/scripts/v.py"):
        write(tmp_path, place)
    assert names(find()) == ["a/x.py", "a/y.py", "b/z.py", "c/w.py", "d/v.py"]
    # In any case of letters; an extension stands for all its scripts, and may be named unlike its folder.
    write(
        tmp_path, "a/metadata.ini", "[Scripts]\nAfter = nowhere|Second, lost\n[scripts/y.py]\nAfter = c/w.py"
    )
    write(tmp_path, "b/metadata.ini", "[Extension]\nName = second\nRequires = absent, a")
    write(tmp_path, "d/metadata.ini", "[scripts]\nBefore = second")
    assert names(find()) == ["c/w.py", "d/v.py", "b/z.py", "a/x.py", "a/y.py"]
    [(folder, sentence)] = describe_lacking(host).items()
    assert folder.name == "b"
    assert sentence == "It needs absent, which is not here or is switched off."


KEYS = st.integers(0, 12).map(str)
RULES = st.dictionaries(KEYS, st.tuples(st.lists(KEYS, max_size=4), st.lists(KEYS, max_size=4)), max_size=13)


@given(RULES)
def test_sorting_keeps_every_key_once_and_every_rule_that_is_in_no_circle(rules):
    made = [ScriptRules(key, tuple(before), tuple(after)) for key, (before, after) in rules.items()]
    order = sort_by_rules(made)
    assert sorted(order) == sorted(rules)
    edges = {(name, key) for key, (_, after) in rules.items() for name in after if name in rules}
    edges |= {(key, name) for key, (before, _) in rules.items() for name in before if name in rules}
    reachable = set(edges)
    while True:
        more = {(a, d) for a, b in reachable for c, d in edges if b == c} - reachable
        if not more:
            break
        reachable |= more
    circles = {a for a, b in reachable if a == b}
    # A key behind a circle waits for it, so only rules among keys that no circle leads to are certain.
    certain = {key for key in rules if not any((each, key) in reachable for each in circles)} - circles
    place = {key: number for number, key in enumerate(order)}
    assert all(place[a] < place[b] for a, b in edges if a in certain and b in certain)
    if not edges:
        assert order == list(rules)


def test_what_does_not_end_is_given_up_with_its_extensions_name(find, host, tmp_path):
    write(tmp_path, "loops/scripts/a.py", "import time\nwhile True: time.sleep(0.01)")
    write(tmp_path, "loops/scripts/b.py")
    write(tmp_path, "quick/scripts/c.py", "DONE = True")
    host.limits = ImportLimits(limit_s=0.5)
    first, second, third = find()
    began = time.monotonic()
    with pytest.raises(ImportTookTooLong, match=r"'loops' was given up: its imports took longer than 0\.5 s"):
        import_script(first)
    with pytest.raises(ImportTookTooLong, match="an earlier import did not end"):
        import_script(second)
    assert import_script(third).DONE
    assert time.monotonic() - began < 10
    assert host.importing is None
    assert sys.path.count(str(tmp_path / "extensions" / "loops")) == 1


def test_seconds_and_memory_of_an_import_are_noted(find, host, tmp_path):
    write(tmp_path, "large/scripts/a.py", "import time\ntime.sleep(0.2)\nKEPT = b'1' * 50_000_000")
    [script] = find()
    with host.health.watch(script.path, "scripts/a.py"):
        module = import_script(script)
    record = host.health.all[0]
    assert len(module.KEPT) == 50_000_000
    assert record.seconds["scripts/a.py"] >= 0.2
    if Path("/proc/self/statm").exists():
        assert 40_000_000 < record.size_bytes < 200_000_000


def test_code_finds_an_event_loop_while_it_is_imported(find, tmp_path):
    write(tmp_path, "a/scripts/a.py", "import asyncio\nLOOP = asyncio.get_event_loop()")
    assert not import_script(find()[0]).LOOP.is_running()


def test_everything_global_is_put_back(find, host, tmp_path):
    write(tmp_path, "a/lib_of_a/__init__.py", "import modules.timer")
    write(
        tmp_path, "a/scripts/a.py",
        "import lib_of_a, sys, os, builtins, scripts.b\nfrom modules import patches, timer\n"
        "sys.path.insert(0, 'mine')\nsys.meta_path.insert(0, 'no finder')\nsys.meta_path.pop(0)\n"
        "os.chdir('/')\nbuiltins.print = None\npatches.patch('a', timer.Timer, 'summary', None)\n",
    )  # fmt: skip
    write(tmp_path, "a/scripts/b.py")
    scripts = find()
    path, folder, printing = list(sys.path), Path.cwd(), builtins.print
    undoing = Undoing.begin([each.folder for each in host.folders])
    with keep_process("a"):
        import_script(scripts[0])
    assert builtins.print is printing
    timer = sys.modules["modules.timer"].Timer
    assert timer.summary is None
    assert "lib_of_a" in sys.modules
    undoing.undo()
    undoing.undo()
    assert (sys.path, Path.cwd()) == (path, folder)
    assert timer.summary is not None
    lost = {"lib_of_a", "scripts.b", "modules", "modules.timer"}
    assert not lost & set(sys.modules)
    assert os.getcwd() == str(folder)  # noqa: PTH109 - what the system says
