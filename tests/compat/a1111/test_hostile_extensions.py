"""Extensions that do what none should: the others are loaded, and each mistake has a name."""

import json

from tests.compat.a1111.test_start import build, write
from webui.plugins.failed_starts import FailedStarts

BOMB = "import sys; sys.exit(3)"


def states(answer: dict) -> dict[str, str]:
    return {name: state for name, state, _ in answer["records"]}


def note_starts(folder, name: str, count: int) -> None:
    """As after `count` more starts in which an extension failed."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    starts = FailedStarts.read(data)
    for _ in range(count):
        starts.note(name, "always")
    starts.end()


def test_whatever_one_does_while_it_is_imported_the_next_is_loaded(tmp_path):
    write(tmp_path, "a-exits/scripts/a.py", BOMB)
    write(tmp_path, "b-prints/scripts/a.py", "import builtins\nbuiltins.print = builtins.open = None")
    write(tmp_path, "c-preloads/preload.py", "def preload(parser): raise RuntimeError('no flags')")
    write(tmp_path, "c-preloads/scripts/a.py", "")
    write(tmp_path, "c-presses/preload.py", "def preload(parser): raise KeyboardInterrupt")
    write(tmp_path, "c-presses/scripts/a.py", "raise GeneratorExit")
    write(tmp_path, "d-half/scripts/a.py", "raise ValueError('one of two')")
    write(tmp_path, "d-half/scripts/b.py", "")
    write(tmp_path, "e-broken/metadata.ini", "no section\n[Scripts")
    write(tmp_path, "e-broken/scripts/a.py", "print('here I am', open.__name__)")
    nameless = tmp_path / "extensions" / "f-\udcff"
    (nameless / "scripts").mkdir(parents=True)
    (nameless / "scripts" / "a.py").write_text("print('no letters')")
    answer = build(tmp_path)
    assert states(answer) == {
        "a-exits": "failed",
        "b-prints": "on",
        "c-preloads": "on",
        "c-presses": "failed",
        "d-half": "on",
        "e-broken": "on",
        "f-\N{REPLACEMENT CHARACTER}": "on",
    }
    errors = {name: error for name, _, error in answer["records"]}
    assert errors["a-exits"] == "The extension 'a-exits' failed in scripts/a.py (SystemExit: 3)."
    assert errors["c-preloads"] == (
        "The extension 'c-preloads' failed in preload.py (RuntimeError: no flags)."
    )
    assert "one of two" in errors["d-half"]
    assert "here I am open" in answer["out"]
    assert "no letters" in answer["out"]
    assert "b-prints replaced open, print" in answer["log"]


def test_an_extension_that_fails_three_starts_is_off_until_it_is_switched_on(tmp_path):
    write(tmp_path, "bad/scripts/a.py", "raise ValueError('always')")
    write(tmp_path, "good/scripts/a.py", "")
    assert states(build(tmp_path)) == {"bad": "failed", "good": "on"}
    note_starts(tmp_path, "bad", 2)
    answer = build(tmp_path)
    assert states(answer) == {"bad": "switched off", "good": "on"}
    [sentence] = [error for name, _, error in answer["records"] if name == "bad"]
    assert sentence.startswith("It failed in 3 starts in a row, and was switched off")
    assert "always" in sentence
    settings = tmp_path / "data" / "settings.json"
    kept = json.loads(settings.read_text())
    assert kept["disabled_extensions"] == ["bad"]
    # Switched on again, it has as many tries as a new one.
    settings.write_text(json.dumps(kept | {"disabled_extensions": []}))
    write(tmp_path, "bad/scripts/a.py", "")
    assert states(build(tmp_path)) == {"bad": "on", "good": "on"}


def test_an_extension_that_takes_the_server_down_counts_as_failed(tmp_path):
    write(tmp_path, "bad/scripts/a.py", "import os; os._exit(9)")
    write(tmp_path, "good/scripts/a.py", "")
    note_starts(tmp_path, "bad", 2)
    died = build(tmp_path, expect=9)
    assert died["records"] == []
    answer = build(tmp_path)
    assert states(answer) == {"bad": "switched off", "good": "on"}


def test_flags_of_extensions_are_read_and_others_are_refused(tmp_path):
    flags = "def preload(parser):\n    parser.add_argument('--theirs', type=int, default=3)\n"
    write(tmp_path, "a/preload.py", flags + "    parser.add_argument('--controlnet-dir', default='here')")
    told = "from modules.shared_cmd_options import cmd_opts\nfrom modules import cmd_args\n"
    told += "print(cmd_opts.theirs, cmd_opts.controlnet_dir, cmd_opts.no_half, hasattr(cmd_opts, 'other'))\n"
    write(tmp_path, "a/scripts/a.py", told)
    assert "7 here True False" in build(tmp_path, "--no-half", "--theirs", "7")["out"]
    refused = build(tmp_path, "--thiers", "7", expect=1)
    assert "There is no flag named '--thiers'" in refused["log"]
    assert "--theirs" in refused["log"]


def test_a_lacking_package_is_named_with_what_to_do(tmp_path):
    write(tmp_path, "a/scripts/a.py", "import no_such_package_at_all.inner")
    write(tmp_path, "b/scripts/a.py", "import git_that_is_not_here")
    write(tmp_path, "c/scripts/a.py", "import modules.no_such_module")
    errors = {name: error for name, _, error in build(tmp_path)["records"]}
    assert errors["a"].endswith(" -m pip install no_such_package_at_all")
    assert errors["b"].endswith(" -m pip install git_that_is_not_here")
    assert errors["c"].endswith("(ModuleNotFoundError: No module named 'modules.no_such_module').")


def test_what_all_share_cannot_be_taken_away(tmp_path):
    write(
        tmp_path,
        "a-closes/scripts/a.py",
        "import os, sys\nsys.stdout.close()\nsys.stderr.close()\nos.close(1)",
    )
    again = "from modules import script_loading\nscript_loading.load_module(__file__)"
    write(tmp_path, "b-recurses/scripts/a.py", again)
    state = "from modules import shared\nclass State: pass\nshared.state, shared.opts = State(), None"
    write(tmp_path, "c-state/scripts/a.py", state)
    write(tmp_path, "d-moves/scripts/a.py", "import os\nos.chdir('/')")
    good = "import os\nfrom modules import shared\n"
    good += "print('here', os.getcwd(), shared.state.job_count, shared.opts.sd_vae)"
    write(tmp_path, "e-good/scripts/a.py", good)
    answer = build(tmp_path)
    assert states(answer) == {
        "a-closes": "on", "b-recurses": "failed", "c-state": "on", "d-moves": "on", "e-good": "on",
    }  # fmt: skip
    errors = {name: error for name, _, error in answer["records"]}
    assert "It closed stdout, stderr, which others use too" in errors["a-closes"]
    assert "RecursionError" in errors["b-recurses"]
    assert "It replaced shared.opts, shared.state" in errors["c-state"]
    assert "It changed the working folder" in errors["d-moves"]
    assert not errors["e-good"]
    assert f"here {tmp_path} 0 Automatic" in answer["out"]
