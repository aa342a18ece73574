import sys
from pathlib import Path

import pytest

from webui.compat.a1111.layout import SITE
from webui.compat.a1111.loading.own_packages import lacks_something, plain_names, stand_in_for_incomplete


def install(folder: Path, name: str, needs: str = "") -> None:
    """A package that cannot be imported, as far as Python's own records tell."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("import a_package_that_nobody_has\n")
    records = folder / f"{name}-1.0.dist-info"
    records.mkdir()
    needed = f"Requires-Dist: {needs}\n" if needs else ""
    (records / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n{needed}"
    )


def test_what_a_package_needs_is_told_without_extras():
    wanted = ["torch>=2", 'wandb; extra == "all"', 'tomli; python_version < "3"', "not a requirement !"]
    assert plain_names(wanted) == ["torch"]
    assert not lacks_something("a-package-that-nobody-has")


def test_our_names_stand_for_an_installed_package_that_lacks_something(host, tmp_path, monkeypatch):
    for name in [each for each in sys.modules if each.split(".")[0] == "k_diffusion"]:
        monkeypatch.delitem(sys.modules, name)
    install(tmp_path, "k_diffusion", needs="a-package-that-nobody-has")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError):
        import k_diffusion
    stand_in_for_incomplete()
    import k_diffusion
    import k_diffusion.sampling

    assert Path(k_diffusion.sampling.__file__).is_relative_to(SITE)


def test_modules_need_not_be_imported_to_be_there(host):
    import modules

    assert modules.paths_internal.script_path
    assert not hasattr(modules, "no_such_module")
