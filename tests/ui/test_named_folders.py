from dataclasses import replace

import pytest

from webui.core.errors import InvalidRequest
from webui.core.flags import read_flags
from webui.ui.forms.named_folders import BATCH_FOLDERS, EXTRAS_FOLDERS, check_named_folders

FIELDS = [*BATCH_FOLDERS, *EXTRAS_FOLDERS]


def shared(services, *flags):
    return replace(services, flags=read_flags([*flags])[0])


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("folder", ["/etc", "~", '"/root"', "/proc/self/root", "\\\\host\\share", "..", "/"])
@pytest.mark.parametrize("flags", [["--listen"], ["--gradio-auth", "anna:secret"], ["--subpath", "sd"]])
def test_on_a_shared_server_no_foreign_folder_can_be_named(services, field, folder, flags):
    with pytest.raises(InvalidRequest):
        check_named_folders(shared(services, *flags), {field: folder}, BATCH_FOLDERS | EXTRAS_FOLDERS)


@pytest.mark.parametrize("field", FIELDS)
def test_folders_below_the_data_folder_can_be_named(services, field):
    inside = services.paths.root / "outputs" / "mine"
    check_named_folders(shared(services, "--listen"), {field: str(inside)}, BATCH_FOLDERS | EXTRAS_FOLDERS)
    check_named_folders(shared(services, "--listen"), {field: " "}, BATCH_FOLDERS | EXTRAS_FOLDERS)


def test_whoever_sits_at_the_machine_names_any_folder(services, tmp_path):
    check_named_folders(shared(services), {"input_dir": str(tmp_path)}, EXTRAS_FOLDERS)


def test_a_link_below_the_data_folder_leads_nowhere(services, tmp_path):
    link = services.paths.root / "outputs" / "link"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path)
    with pytest.raises(InvalidRequest):
        check_named_folders(shared(services, "--listen"), {"input_dir": str(link)}, EXTRAS_FOLDERS)
