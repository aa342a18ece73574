"""`opts`: our settings, A1111's other options and extensions' own, as attributes that mean what they say."""

import json
from importlib import import_module
from pathlib import Path

import pytest

import webui
from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.page.shared_options import options_for_api
from webui.core.errors import InvalidRequest
from webui.core.flags import Flags
from webui.main import build_services

PROJECT = Path(webui.__file__).parent.parent


@pytest.fixture
def shared(host: ExtensionHost, tmp_path: Path):
    host.services = build_services(Flags(safe=True, data_dir=tmp_path), PROJECT)
    return import_module("modules.shared")


def test_our_settings_are_read_under_a1111s_keys_as_they_are_now(shared, host):
    assert shared.opts.CLIP_stop_at_last_layers == 1
    host.ready.settings.change({"CLIP_stop_at_last_layers": 2})
    assert shared.opts.CLIP_stop_at_last_layers == 2
    assert shared.opts.data["CLIP_stop_at_last_layers"] == 2
    assert json.loads(json.dumps(shared.opts.data))["CLIP_stop_at_last_layers"] == 2


def test_an_unknown_key_raises_attribute_error(shared):
    with pytest.raises(AttributeError):
        _ = shared.opts.no_such_option
    assert getattr(shared.opts, "no_such_option", 7) == 7
    assert not hasattr(shared.opts, "no_such_option")
    with pytest.raises(AttributeError):
        shared.opts.__getattr__("no_such_option")


@pytest.mark.parametrize(
    "key",
    [
        "samples_format",
        "grid_format",
        "outdir_samples",
        "outdir_txt2img_samples",
        "enable_pnginfo",
        "save_to_dirs",
        "directories_filename_pattern",
        "return_grid",
        "img2img_color_correction",
        "img2img_background_color",
        "sd_model_checkpoint",
        "sd_vae",
        "sd_checkpoint_cache",
        "batch_cond_uncond",
        "use_old_emphasis_implementation",
        "multiple_tqdm",
        "grid_extended_filename",
        "font",
        "face_restoration_model",
        "dataset_filename_word_regex",
        "upcast_attn",
        "interrogate_return_ranks",
    ],
)
def test_what_extensions_read_is_there(shared, key):
    assert shared.opts.get_default(key) == shared.opts.data_labels[key].default
    assert isinstance(getattr(shared.opts, key), type(shared.opts.get_default(key)))


def test_an_option_of_an_extension_has_its_default_and_keeps_what_is_set(shared, host, tmp_path):
    info = shared.OptionInfo(["a"], "Own", section=("own", "Own"))
    shared.opts.add_option(key="own_key", info=info)
    assert shared.opts.own_key == ["a"]
    shared.opts.own_key.append("b")
    assert info.default == ["a"]
    assert shared.opts.set("own_key", ["c"])
    assert not shared.opts.set("own_key", ["c"])
    assert json.loads(host.ready.settings.path.read_text())["own_key"] == ["c"]
    again = build_services(Flags(safe=True, data_dir=tmp_path), PROJECT)
    assert again.settings.others["own_key"] == ["c"]


def test_a_template_gives_its_default_at_once(shared):
    section = shared.options_section(("own", "Own"), {"own_template": shared.OptionInfo(5, "Five")})
    shared.options_templates.update(section)
    assert shared.opts.own_template == 5
    assert shared.opts.data_labels["own_template"].section == ("own", "Own")


def test_a_written_option_holds_in_memory_until_it_is_saved(shared, host):
    shared.opts.samples_save = False
    assert shared.opts.samples_save is False
    assert host.ready.settings.current.saving.samples_save is True
    assert shared.opts.overridden() == {"samples_save": False}
    # Another setting's change does not take it back.
    host.ready.settings.change({"grid_save": False})
    assert shared.opts.samples_save is False
    shared.opts.save(shared.config_filename)
    assert host.ready.settings.current.saving.samples_save is False
    assert shared.opts.overridden() == {}


def test_a_value_that_cannot_be_kept_is_refused_and_the_file_stays(shared, host):
    shared.opts.add_option("own_key", shared.OptionInfo(1, "Own", section=("own", "Own")))
    assert not shared.opts.set("own_key", object())
    assert not shared.opts.set("samples_format", "tga")
    assert shared.opts.own_key == 1
    assert not host.ready.settings.path.exists()


def test_onchange_is_called_for_settings_of_both_kinds_and_its_mistakes_are_noted(shared, host):
    seen = []
    host.ready.settings.listen(shared.opts.tell_changes)
    shared.opts.add_option("own_key", shared.OptionInfo(1, "Own", section=("own", "Own")))
    shared.opts.onchange("own_key", lambda: seen.append(shared.opts.own_key), call=False)
    shared.opts.onchange("samples_save", lambda: seen.append(shared.opts.samples_save))
    shared.opts.set("own_key", 2)
    host.ready.settings.change({"samples_save": False})
    assert seen == [True, 2, False]
    record = host.health.add("tests", Path(__file__).parent)
    shared.opts.onchange("own_key", lambda: 1 / 0, call=False)
    shared.opts.set("own_key", 3)
    assert record.failures[0].where == "onchange of own_key"
    shared.opts.set("own_key", 4, run_callbacks=False)
    assert len(record.failures) == 1


def test_the_checkpoint_in_use_is_named_though_none_was_chosen(shared, host):
    assert host.ready.settings.current.models.sd_model_checkpoint == ""
    title = host.ready.catalog.find_checkpoint("").title
    assert shared.opts.sd_model_checkpoint == title
    assert title == host.ready.catalog.find_checkpoint("").title


def test_chained_words_of_an_option_stand_after_it(shared):
    info = (
        shared.OptionInfo(1, "A")
        .info("more")
        .needs_restart()
        .needs_reload_ui()
        .link("x", "y")
        .html("<b>z</b>")
    )
    assert "(more)" in info.comment_after
    assert "Reload UI" in info.comment_after
    assert "y" in info.comment_before


def test_unknown_names_of_shared_are_none(shared):
    assert not hasattr(shared, "native")
    assert not hasattr(shared, "restart_server")
    shared.own_attribute = 3
    assert shared.own_attribute == 3


def test_the_api_reads_and_changes_options_of_extensions(shared, host):
    shared.opts.add_option("own_list", shared.OptionInfo(["a"], "Own", section=("own", "Own")))
    shared.opts.add_option(
        "own_secret", shared.OptionInfo("s", "Own", section=("own", "Own"), restrict_api=True)
    )
    calls: list[str] = []
    shared.opts.add_option("own_number", shared.OptionInfo(1, "Own", section=("own", "Own")))
    shared.opts.onchange("own_number", lambda: calls.append("changed"), call=False)
    host.ready.settings.listen(shared.opts.tell_changes)
    found = options_for_api(shared.opts)
    assert {key: found.values[key] for key in ("own_list", "own_secret", "own_number")} == {
        "own_list": ["a"],
        "own_secret": "s",
        "own_number": 1,
    }
    assert found.fixed == {"own_secret"}
    assert "sd_vae" not in found.values
    found.keep({"own_list": ["b", "c"], "own_number": 2})
    assert (shared.opts.own_list, shared.opts.own_number) == (["b", "c"], 2)
    assert calls == ["changed"]
    with pytest.raises(InvalidRequest, match=r"own_list takes a list, and a text was given"):
        found.keep({"own_number": 3, "own_list": "b"})
    assert options_for_api(shared.opts).values["own_number"] == 2
