"""Seconds to list, search and find 20,000 model files.

    python -m benchmarks.catalog [--files 20000] [--modules 24] [--folder FOLDER]

Makes that many LoRA files of random names (a header and sparse zeros, 20 folders), then measures: the first
scan, which reads every header; a scan in a running server; the first scan of the next start, from the header
cache; searches as somebody types; a file found by its name; one file added.
"""

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.meter import describe_machine, say
from webui.core.model_file import ModelKind
from webui.core.settings import Paths
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.folders import ModelFolders
from webui.store.database import Database
from webui.store.header_cache import HeaderCache

WORDS = (
    "amber", "birch", "cloud", "dusk", "ember", "fern", "glass", "harbor", "iris", "jade", "kelp", "lion",
    "moss", "night", "opal", "pine",
)  # fmt: skip
FOLDERS = 20
# Rank 4 on one projection of SD1.
RANK, WIDTH = 4, 768
Made = TypeVar("Made")


def main() -> None:
    """Make the files and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--modules", type=int, default=24, help="of each LoRA; real ones have 100 to 800")
    parser.add_argument("--folder", type=Path, help="where to make them; else a temporary folder")
    chosen = parser.parse_args()
    describe_machine(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        measure(Path(folder), chosen.files, chosen.modules)


def measure(home: Path, files: int, modules: int) -> None:
    """All parts, one line each."""
    timed("files made", lambda: make_files(home / "models" / "Lora", files, modules))
    first = timed("first scan, every header read", lambda: scanned(home))
    timed("the same in a running server", first.scan)
    catalog = timed("first scan of the next start", lambda: scanned(home))
    timed("first search", lambda: catalog.search("amb"))
    for text in ("a", "amber 1", "moss night 77", "nothing such"):
        timed(f"search {text!r}", lambda text=text: catalog.search(text))
    some = catalog.files(ModelKind.LORA)[files // 2]
    timed("first file found by its name", lambda: catalog.find(ModelKind.LORA, some.stem))
    timed("the next", lambda: catalog.find(ModelKind.LORA, some.stem))
    timed("a list of all", lambda: catalog.files(ModelKind.LORA))
    timed("one file added", lambda: catalog.add(some.path))


def timed(what: str, work: Callable[[], Made]) -> Made:
    """What the work gives; says how long it took."""
    wall, processor = time.perf_counter(), time.process_time()
    made = work()
    say(f"{what:34} {time.perf_counter() - wall:8.3f} s   processor {time.process_time() - processor:8.3f} s")
    return made


def scanned(home: Path) -> Catalog:
    """A catalog as a start of the server makes it."""
    paths = Paths(
        root=home,
        data=home / "data",
        models=home / "models",
        embeddings=home / "embeddings",
        styles=(),
        starter=home / "models" / "starter",
    )
    catalog = Catalog(ModelFolders.of(paths), HeaderCache(Database(home / "data" / "webui.db")))
    catalog.scan()
    return catalog


def make_files(folder: Path, files: int, modules: int) -> None:
    """LoRA files that differ in their names and metadata."""
    chance = random.Random(1)
    for number in range(files):
        place = folder / WORDS[number % FOLDERS % len(WORDS)] / f"set{number % FOLDERS}"
        place.mkdir(parents=True, exist_ok=True)
        name = "_".join(chance.sample(WORDS, 3)) + f"_{number}"
        header, size = lora_header(name, modules)
        with (place / f"{name}.safetensors").open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            file.truncate(8 + len(header) + size)


def lora_header(name: str, modules: int) -> tuple[bytes, int]:
    """Header of a small LoRA in kohya's names, and how many bytes follow it."""
    table: dict[str, object] = {"__metadata__": {"ss_output_name": name, "ss_base_model_version": "sd_v1"}}
    place = 0
    for number in range(modules):
        block = f"lora_unet_down_blocks_{number % 3}_attentions_{number // 3 % 2}_transformer_blocks_0"
        module = f"{block}_attn2_to_{'kvq'[number // 6 % 3]}_{number}"
        for end, shape in (("lora_down.weight", [RANK, WIDTH]), ("lora_up.weight", [320, RANK])):
            size = 2 * shape[0] * shape[1]
            table[f"{module}.{end}"] = {"dtype": "F16", "shape": shape, "data_offsets": [place, place + size]}
            place += size
    return json.dumps(table).encode(), place


if __name__ == "__main__":
    main()
