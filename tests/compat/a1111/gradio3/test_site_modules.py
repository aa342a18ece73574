"""A1111's names of parts of the page, as extensions import them."""

from importlib import import_module
from pathlib import Path

import gradio as gr
import pytest

from webui.compat.a1111.gradio3.stubs import without_stubs

NAMES = {
    "ui_components": "FormComponent ToolButton ResizeHandleRow FormRow FormColumn FormGroup FormHTML "
    "FormColorPicker DropdownMulti DropdownEditable InputAccordion",
    "ui_common": "folder_symbol refresh_symbol update_generation_info plaintext_to_html save_files "
    "OutputPanel create_output_panel create_refresh_button setup_dialog",
    "call_queue": "queue_lock wrap_queued_call wrap_gradio_gpu_call wrap_gradio_call wrap_gradio_call_no_job",
    "ui_tempdir": "Savedfile register_tmp_file check_tmp_file save_pil_to_file is_gradio_temp_path "
    "cleanup_tmpdr on_tmpdir_changed install_ui_tempdir_override",
    "ui_gradio_extensions": "webpath javascript_html css_html reload_javascript",
    "gradio_extensons": "add_classes_to_gradio_component",
    "gradio_extensions": "add_classes_to_gradio_component",
    "fifo_lock": "FIFOLock",
}


@pytest.mark.parametrize("module", NAMES)
def test_every_name_is_there_and_nothing_is_written(host, module):
    imported = import_module(f"modules.{module}")
    assert [name for name in NAMES[module].split() if not hasattr(imported, name)] == []
    assert not Path(imported.__file__).with_suffix(".pyi").exists()


def test_text_keeps_its_lines_and_no_tag(host):
    ui_common = import_module("modules.ui_common")
    shown = ui_common.plaintext_to_html("<b>one\ntwo", classname="own")
    assert shown.startswith("<p class='own'>&lt;b&gt;one<br>")
    assert shown.endswith("two</p>")


def test_the_infotext_of_the_chosen_picture_is_shown(host):
    update = import_module("modules.ui_common").update_generation_info
    assert update('{"infotexts": ["a", "b"]}', "before", 1)[0] == "<p>b</p>"
    assert update('{"infotexts": ["a"]}', "before", 4)[0] == "before"
    assert update("no json", "before", 0)[0] == "before"


def test_what_a_page_uploaded_lies_in_its_folder_and_nothing_else_does(host, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "page"))
    ui_tempdir = import_module("modules.ui_tempdir")
    assert ui_tempdir.is_gradio_temp_path(tmp_path / "page" / "a" / "b.png")
    assert not ui_tempdir.is_gradio_temp_path(tmp_path / "page" / ".." / "b.png")


def test_no_file_is_written_beside_a_class_of_an_extension(tmp_path):
    source = tmp_path / "own.py"
    source.write_text("import gradio as gr\nclass Own(gr.Button):\n    pass\n")
    namespace = {"__name__": "own.py", "__file__": str(source)}
    with without_stubs():
        exec(compile(source.read_text(), str(source), "exec"), namespace)
    assert issubclass(namespace["Own"], gr.Button)
    assert [each.name for each in tmp_path.iterdir()] == ["own.py"]


def test_no_file_is_written_beside_our_own_classes():
    pictures = import_module("webui.compat.a1111.gradio3.pictures")
    assert list(Path(pictures.__file__).parent.glob("*.pyi")) == []
