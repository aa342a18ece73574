"""Whether community extensions load and build their page: a table of a folder of checkouts.

    python -m benchmarks.scoreboard FOLDER [--names a b …] [--trials benchmarks/extension_trials.json]
        [--out docs/extensions-scoreboard.md] [--jobs 1]

Each checkout is copied into a data folder of its own and the program is built with it in a process of its
own, without network and without running its install.py: run this with the Python of an environment in which
the packages of extensions are installed. What was tried by hand, and its effect seen, stands in the file of
trials: {"name": {"works": true, "seen": "…"}}.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT_S = 240
# A path of this machine, as errors name them; and what of it is a name inside the program or an extension.
ABSOLUTE = re.compile(r"(?<![\w.:/<>-])/(?:[\w.+~@-]+/)+[\w.+~@-]*")
INSIDE = re.compile(r".*(?:/site-packages/|/lib/python3\.\d+/|(?=/webui/|/extensions/))/?")
# Where files of a machine lie; a path elsewhere is an address on a site.
FOLDERS = {"Users", "home", "media", "mnt", "opt", "private", "root", "srv", "tmp", "usr", "var"} | {
    Path(each).parts[1] for each in (ROOT, sys.prefix, tempfile.gettempdir())
}
# Of one error is told so much; two errors that begin alike are the same; more kinds than these are counted.
ERROR_LENGTH, ALIKE_LENGTH, KINDS_TOLD = 160, 60, 3
# Failures of these are no page's.
IMPORTS = ("scripts/", "preload", "install")


@dataclass(slots=True)
class Score:
    """One extension: what failed while it was loaded and its page was built, what it wanted in vain."""

    name: str
    commit: str = ""
    outcome: str = ""
    seconds: float = 0.0
    import_failures: list[str] = field(default_factory=list[str])
    page_failures: list[str] = field(default_factory=list[str])
    missing: list[str] = field(default_factory=list[str])

    @property
    def loads(self) -> bool:
        """Whether all its scripts were imported."""
        return self.outcome == "built" and not self.import_failures

    @property
    def builds(self) -> bool:
        """Whether nothing failed while its page was built."""
        return self.outcome == "built" and not self.page_failures


def main() -> None:
    """Try all, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--names", nargs="*")
    parser.add_argument("--trials", type=Path, default=ROOT / "benchmarks" / "extension_trials.json")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kept", type=Path, help="a file in which results are kept, to go on after a break")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.one:
        print(json.dumps(asdict(build_one(choice.one))))  # noqa: T201 - the other process reads it
        return
    found = sorted(each for each in choice.folder.iterdir() if each.is_dir())
    wanted = [each for each in found if not choice.names or each.name in choice.names]
    kept: dict[str, Score] = {}
    if choice.kept and choice.kept.exists():
        kept = {each["name"]: Score(**each) for each in json.loads(choice.kept.read_text())}
    with ThreadPoolExecutor(choice.jobs) as pool:
        for score in pool.map(try_one, [each for each in wanted if each.name not in kept]):
            kept[score.name] = score
            sys.stderr.write(f"{score.name}: {describe(score)}\n")
            if choice.kept:
                choice.kept.write_text(json.dumps([asdict(each) for each in kept.values()], indent=1))
    trials = json.loads(choice.trials.read_text(encoding="utf-8")) if choice.trials.exists() else {}
    # Used by hand, and not in this folder.
    for name in trials:
        kept.setdefault(name, Score(name))
    names = {each.name for each in wanted} | (set() if choice.names else set(trials))
    text = render([kept[name] for name in sorted(names, key=str.lower)], trials)
    if choice.out:
        choice.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def try_one(checkout: Path) -> Score:
    """The score of a checkout, found in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "data" / "extensions" / checkout.name
        shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns(".git"), symlinks=True)
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            # Further packages, as A1111 brings some along, may lie in a folder of their own.
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
            "HF_HUB_OFFLINE": "1",
            # Whoever asks a proxy gets no answer: nothing is fetched.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
        }
        command = [sys.executable, "-m", "benchmarks.scoreboard", "--one", str(copy)]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Score(checkout.name, commit_of(checkout), f"not ready within {LIMIT_S} s")
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"name"')]
    if not lines:
        last = (done.stderr.strip().splitlines() or ["it gave nothing"])[-1]
        return Score(checkout.name, commit_of(checkout), f"the program ended: {last[:160]}")
    score = Score(**json.loads(lines[-1]))
    score.commit = commit_of(checkout)
    return score


def build_one(folder: Path) -> Score:
    """Build the program with one extension in its data folder, and read its health."""
    from webui.compat.a1111.host import current
    from webui.core.flags import read_flags
    from webui.main import build_app, build_services

    arguments = ["--data-dir", str(folder.parents[1]), "--skip-install"]
    # Extensions read the program's own flags from there.
    sys.argv = ["app.py", *arguments]
    flags, _ = read_flags(arguments)
    services = build_services(flags, ROOT, arguments=arguments)
    build_app(services)
    score = Score(folder.name, outcome="built")
    for record in current().health.all:
        score.seconds = round(sum(record.seconds.values()), 2)
        score.missing = sorted(record.missing)
        for failure in record.failures:
            line = shorten_paths(f"{failure.where}: {failure.error}".splitlines()[0])[:300]
            kind = score.import_failures if failure.where.startswith(IMPORTS) else score.page_failures
            kind.append(line)
    return score


def commit_of(checkout: Path) -> str:
    """The commit that a checkout is at: of a trial copy, the one that its message names."""
    said = subprocess.run(
        ["git", "-C", str(checkout), "log", "-1", "--format=%H %s"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    commit, _, subject = said.partition(" ")
    return (subject.removeprefix("trial copy of ") if subject.startswith("trial copy of ") else commit)[:10]


def describe(score: Score) -> str:
    """A line about one."""
    if score.outcome != "built":
        return shorten_paths(score.outcome)
    problems = [*score.import_failures, *score.page_failures]
    return tell_failures(problems) if problems else f"loads and builds its page in {score.seconds} s"


def tell_failures(problems: list[str]) -> str:
    """The failures, each "where: error": an error once, with its first place and the number of others."""
    places: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    for problem in problems:
        where, _, error = shorten_paths(problem).partition(": ")
        alike = error[:ALIKE_LENGTH]
        errors.setdefault(alike, error if len(error) <= ERROR_LENGTH else f"{error[: ERROR_LENGTH - 1]}…")
        places.setdefault(alike, []).append(where)
    told = [f"{count_places(places[alike])}: {error}" for alike, error in errors.items()]
    more = [f"{len(told) - KINDS_TOLD} other errors"] if len(told) > KINDS_TOLD else []
    return "; ".join([*told[:KINDS_TOLD], *more])


def count_places(places: list[str]) -> str:
    """The first of these places, and how many others there are."""
    others = len(places) - 1
    return places[0] if not others else f"{places[0]} and {others} other{'s' if others > 1 else ''}"


def shorten_paths(text: str) -> str:
    """The text with each path cut to its name inside the program, a package or an extension."""
    return ABSOLUTE.sub(lambda path: shorten_path(path.group()), text)


def shorten_path(path: str) -> str:
    """The part inside the program, a package or the extensions' folder; of other files the last name."""
    if inside := INSIDE.match(path):
        return path[inside.end() :]
    return Path(path).name if path.split("/")[1] in FOLDERS else path


def render(scores: list[Score], trials: dict[str, dict[str, object]]) -> str:
    """The table, as a page of the documentation."""
    loaded, built = sum(each.loads for each in scores), sum(each.builds and each.loads for each in scores)
    built_anew = sum(bool(each.outcome) for each in scores)
    works = sum(bool(trials.get(each.name, {}).get("works")) for each in scores)
    lines = [
        "# Community extensions, tried",
        "",
        f"Of {built_anew} extensions tried {loaded} load, {built} of them build their page,",
        f"and {works} were used until their effect was seen. `python -m benchmarks.scoreboard FOLDER` tried",
        "checkouts, unmodified and without network. Packages were installed: for most that want some, what",
        "their `install.py` and A1111 bring was there, in an environment of its own, as far as it was to be",
        "had. What fails for want of a package all the same says so. Where networks would have been",
        "downloaded, small ones made for the trial stood in their place, or a package did, as the rows say.",
        "",
        "| extension | commit | loads | page | works | what was seen, or why not |",
        "|---|---|---|---|---|---|",
    ]
    for each in scores:
        trial = trials.get(each.name, {})
        tried = {True: "yes", False: "no"}.get(bool(trial["works"]), "") if "works" in trial else ""
        seen, is_whole = str(trial.get("seen", "")), each.loads and each.builds
        said = seen or ("" if is_whole or not each.outcome else describe(each))
        # Used by hand, and not built here by itself.
        marks = [mark(each.loads), mark(each.builds)] if each.outcome else ["", ""]
        cells = [each.name, each.commit, *marks, tried, said.replace("|", "\\|")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def mark(is_so: bool) -> str:
    """A cell."""
    return "yes" if is_so else "no"


if __name__ == "__main__":
    main()
