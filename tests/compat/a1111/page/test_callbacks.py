"""Callbacks: whose they are, their order, their removal, and what becomes of one that fails."""

from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.page.callbacks import CallbackOrder, ScriptCallback, sort_callbacks
from webui.core.errors import InvalidRequest

# (name of on_…, what calls it, its arguments)
CALLBACKS = [
    ("on_app_started", "app_started_callback", ("demo", "app")),
    ("on_before_reload", "app_reload_callback", ()),
    ("on_model_loaded", "model_loaded_callback", ("model",)),
    ("on_ui_tabs", "ui_tabs_callback", ()),
    ("on_ui_train_tabs", "ui_train_tabs_callback", ("params",)),
    ("on_ui_settings", "ui_settings_callback", ()),
    ("on_before_image_saved", "before_image_saved_callback", ("params",)),
    ("on_image_saved", "image_saved_callback", ("params",)),
    ("on_extra_noise", "extra_noise_callback", ("params",)),
    ("on_cfg_denoiser", "cfg_denoiser_callback", ("params",)),
    ("on_cfg_denoised", "cfg_denoised_callback", ("params",)),
    ("on_cfg_after_cfg", "cfg_after_cfg_callback", ("params",)),
    ("on_before_component", "before_component_callback", ("component",)),
    ("on_after_component", "after_component_callback", ("component",)),
    ("on_image_grid", "image_grid_callback", ("params",)),
    ("on_infotext_pasted", "infotext_pasted_callback", ("text", {})),
    ("on_script_unloaded", "script_unloaded_callback", ()),
    ("on_before_ui", "before_ui_callback", ()),
    ("on_before_token_counter", "before_token_counter_callback", ("params",)),
]


def write_extension(folder: Path, name: str, source: str) -> dict:
    """An extension's script, run as the host runs it: its code knows its file."""
    file = folder / name / "scripts" / f"{name}.py"
    file.parent.mkdir(parents=True)
    file.write_text(source)
    scope: dict = {"calls": []}
    exec(compile(source, str(file), "exec"), scope)
    return scope


@pytest.fixture
def callbacks(host: ExtensionHost):
    return import_module("modules.script_callbacks")


@pytest.mark.parametrize(("register", "call", "args"), CALLBACKS)
def test_every_callback_is_called_with_what_it_is_promised(callbacks, tmp_path, register, call, args):
    source = (
        "from modules import script_callbacks\n"
        f"script_callbacks.{register}(lambda *args, **named: calls.append(args))\n"
        f"script_callbacks.{register}(lambda *args: calls.append('second'), name='own')\n"
    )
    scope = write_extension(tmp_path, "one", source)
    getattr(callbacks, call)(*args)
    assert sorted(scope["calls"], key=str) == sorted([args, "second"], key=str)


@pytest.mark.parametrize("kind", ["optimizers", "unets"])
def test_lists_are_filled_by_callbacks(callbacks, tmp_path, kind):
    source = (
        f"from modules import script_callbacks as s\ns.on_list_{kind}(lambda found: found.append('own'))\n"
    )
    write_extension(tmp_path, "one", source)
    assert getattr(callbacks, f"list_{kind}_callback")() == ["own"]


def test_one_that_fails_is_noted_and_the_others_are_called(callbacks, host, tmp_path):
    record = host.health.add("bad", tmp_path / "bad")
    begin = "from modules.script_callbacks import on_before_ui\n"
    bad = begin + "def fail():\n    raise SystemExit\non_before_ui(fail)\n"
    good = begin + "on_before_ui(lambda: calls.append(1))\n"
    first = write_extension(tmp_path, "a_good", good)
    write_extension(tmp_path, "bad", bad)
    last = write_extension(tmp_path, "z_good", good)
    callbacks.before_ui_callback()
    assert first["calls"] == last["calls"] == [1]
    assert [each.where for each in record.failures] == ["on_before_ui"]


def test_a_refusal_for_the_artist_passes(callbacks, tmp_path):
    source = (
        "from modules.script_callbacks import on_cfg_denoiser\nfrom webui.core.errors import InvalidRequest\n"
        "def refuse(params):\n    raise InvalidRequest('Do it otherwise.')\non_cfg_denoiser(refuse)\n"
    )
    write_extension(tmp_path, "one", source)
    with pytest.raises(InvalidRequest):
        callbacks.cfg_denoiser_callback(None)


def test_the_owner_is_found_from_the_callers_file_and_removes_its_own(callbacks, host, tmp_path):
    host.health.add("One", tmp_path / "One")
    source = "from modules import script_callbacks as s\ns.on_before_ui(print)\n"
    source += "s.on_app_started(print, name='x')\n"
    scope = write_extension(tmp_path, "One", source)
    write_extension(tmp_path, "two", source)
    names = [each.name for each in callbacks.callback_map["callbacks_app_started"]]
    assert names == ["one/One.py/app_started/x", "base/two.py/app_started/x"]
    removing = compile("s.remove_current_script_callbacks()", str(tmp_path / "One/scripts/One.py"), "exec")
    exec(removing, scope)
    assert [len(each) for each in callbacks.callback_map.values() if each] == [1, 1]
    callbacks.remove_callbacks_for_function(print)
    assert not any(callbacks.callback_map.values())


def test_unloading_goes_backwards(callbacks, tmp_path):
    source = (
        "from modules.script_callbacks import on_script_unloaded as on\non(lambda: order.append({number}))\n"
    )
    order: list[int] = []
    for number in range(3):
        write_extension(tmp_path, f"e{number}", source.format(number=number))["order"] = order
    callbacks.script_unloaded_callback()
    assert order == [2, 1, 0]


NAMES = [f"e{number}" for number in range(6)]
CONSTRAINTS = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.lists(st.sampled_from(NAMES)), st.lists(st.sampled_from(NAMES)))
)


@given(CONSTRAINTS, st.lists(st.sampled_from([*NAMES, "unknown"])))
def test_sorting_loses_none_and_always_ends(constraints, first):
    callbacks = [ScriptCallback(name, print, name) for name in NAMES]
    found = sort_callbacks(callbacks, CallbackOrder(constraints, first))
    assert sorted(each.name for each in found) == NAMES
    wanted = [name for name in dict.fromkeys(first) if name in NAMES]
    assert [each.name for each in found][: len(wanted)] == wanted


@given(st.permutations(NAMES), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_sorting_keeps_constraints_that_can_be_kept(names, pairs):
    # Pairs (lower, higher) by number: no circle.
    wanted = [(f"e{min(pair)}", f"e{max(pair)}") for pair in pairs if pair[0] != pair[1]]
    constraints: dict[str, tuple[list[str], list[str]]] = {}
    for before, after in wanted:
        constraints.setdefault(before, ([], []))[0].append(after)
    found = sort_callbacks([ScriptCallback(name, print, name) for name in names], CallbackOrder(constraints))
    places = {each.name: place for place, each in enumerate(found)}
    assert all(places[before] < places[after] for before, after in wanted)
