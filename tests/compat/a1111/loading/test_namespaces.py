"""Modules of one name in several extensions."""

import importlib
import sys
from pathlib import Path

import numpy
import pytest

from webui.compat.a1111.loading import old_numpy
from webui.compat.a1111.loading.namespaces import separate_names
from webui.compat.a1111.loading.scripts import import_script, ordered_scripts
from webui.compat.a1111.loading.undoing import Undoing
from webui.plugins.community import CommunityFolder


@pytest.fixture
def load(host, tmp_path):
    """Gives a function that imports all scripts of these files; the modules by extension and file."""
    undoings = []

    def load_files(**files):
        for place, text in files.items():
            file = tmp_path / "extensions" / (place.replace("__", "/").replace("INIT", "__init__") + ".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        folders = sorted((tmp_path / "extensions").iterdir())
        host.folders = tuple(CommunityFolder(each.name, each) for each in folders)
        undoings.append(Undoing.begin(folders))
        finder = separate_names(host.folders)
        if finder is not None:
            host.prepare_module = finder.prepare
        return {f"{each.extension}/{each.path.stem}": import_script(each) for each in ordered_scripts(host)}

    yield load_files
    for each in undoings:
        each.undo()


USES_API = """
from scripts.api import NAME
from scripts import api as whole, helper
import scripts.api as dotted
import scripts.api

def late():
    from scripts.api import NAME
    from scripts import api
    import scripts.api as dotted
    import scripts
    from scripts.late import WHO
    return NAME, api.NAME, dotted.NAME, scripts.api.NAME, WHO

names = (NAME, whole.NAME, dotted.NAME, scripts.api.NAME, helper.OF)
"""


def test_each_extension_has_its_own_api_at_once_and_later(load):
    files = {}
    for name in "abc":
        files |= {
            f"{name}__scripts__api": f"NAME = '{name}'\nclass Thing: pass",
            f"{name}__scripts__main": USES_API.replace("whole, helper", f"whole, helper_{name} as helper"),
            f"{name}__scripts__helper_{name}": f"from scripts.api import NAME as OF\nassert OF == '{name}'",
            f"{name}__scripts__late": f"WHO = '{name}'",
        }
    modules = load(**files)
    for name in "abc":
        assert modules[f"{name}/main"].names == (name,) * 5
        assert modules[f"{name}/main"].late() == (name,) * 5
        # Scripts that are loaded by their paths are in no sys.modules, and named as A1111 names them.
        assert modules[f"{name}/api"].Thing.__module__ == "api.py"
    assert "api.py" not in sys.modules
    # The first has the name itself, as in A1111.
    assert importlib.import_module("scripts.api").NAME == "a"


def test_packages_of_one_name_are_kept_apart_with_all_that_is_in_them(load):
    files = {}
    for name in "ab":
        files |= {
            f"{name}__utils__INIT": "from .inner import NAME\nfrom . import other",
            f"{name}__utils__inner": f"NAME = '{name}'",
            f"{name}__utils__other": "from utils.inner import NAME\nimport utils.inner as i\nTOO = i.NAME",
            f"{name}__lib_{name}__deep": "import utils\nNAME = utils.NAME",
            f"{name}__scripts__main_{name}": (
                f"import utils.other, lib_{name}.deep\n"
                f"names = utils.NAME, utils.other.NAME, utils.other.TOO, lib_{name}.deep.NAME\n"
                "def late():\n    from utils import inner\n    return inner.NAME"
            ),
        }
    modules = load(**files)
    for name in "ab":
        module = modules[f"{name}/main_{name}"]
        assert module.names == (name,) * 4
        assert module.late() == name


def test_an_own_package_can_be_missing_a_module_and_says_so(load):
    modules = load(
        a__scripts__api="", b__scripts__api="",
        b__scripts__main="def late():\n    from scripts import nothing",
    )  # fmt: skip
    with pytest.raises(ImportError, match="nothing"):
        modules["b/main"].late()


def test_another_extensions_modules_are_found_after_the_start(load):
    modules = load(
        a__scripts__one="def late():\n    import lib_b.deep\n    return lib_b.deep.NAME",
        b__lib_b__deep="NAME = 'b'", b__scripts__two="",
    )  # fmt: skip
    assert modules["a/one"].late() == "b"


def test_the_folder_of_an_extension_is_first_while_its_scripts_are_imported_and_last_afterwards(
    load, tmp_path
):
    modules = load(
        a__scripts__one="import sys\nfirst = sys.path[0]", b__scripts__two="import sys\nfirst = sys.path[0]"
    )
    folders = [str(tmp_path / "extensions" / name) for name in "ab"]
    assert [modules["a/one"].first, modules["b/two"].first] == folders
    assert sys.path[-2:] == folders


def test_modules_of_the_host_are_the_hosts_for_all(load):
    load(a__modules__shared="", b__modules__shared="", b__scripts__x="from modules import timer\ntimer.Timer")
    assert Path(sys.modules["modules"].__file__).parts[-3:] == ("site", "modules", "__init__.py")


OLD_NUMPY = """
import numpy as np
import numpy.linalg
from numpy import float as number, product
import numpy.random as random

def late():
    import numpy
    return numpy.alltrue([True]), np.array([1.5]).astype(np.int).tolist(), random.RandomState(3).rand()

class Quiet(np.VisibleDeprecationWarning):
    pass

np.mine = 1
values = np.float is float, np.NINF, np.float_(2), np.ndarray, number is float, product([2, 3])
missing = hasattr(np, "no_such_name")
"""


def test_a_file_of_numpy_1s_time_has_the_names_that_are_gone_and_nobody_else(load):
    modules = load(a__scripts__old=OLD_NUMPY, b__scripts__new="import numpy as np")
    old = modules["a/old"]
    assert old.values == (True, -numpy.inf, 2.0, numpy.ndarray, True, 6)
    assert old.late() == (True, [1], numpy.random.RandomState(3).rand())
    assert not old.missing
    assert issubclass(old.Quiet, numpy.exceptions.VisibleDeprecationWarning)
    assert modules["b/new"].np is numpy
    assert not any(
        hasattr(numpy, name) for name in ("float", "NINF", "product", "mine", "VisibleDeprecationWarning")
    )


@pytest.mark.parametrize("name", sorted(old_numpy.GONE))
def test_every_name_that_is_gone_is_there(name):
    assert getattr(old_numpy.old_numpy(numpy), name) is not None
    assert old_numpy.uses_old_names(f"x = np.{name}(1)")
    assert not old_numpy.uses_old_names(f"x = mine.{name}; np.{name}_of = 1")
