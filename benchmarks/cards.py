"""Milliseconds in a browser with 20,000 cards: the page of cards opened, searched, scrolled to its end.

    python -m benchmarks.cards [--files 20000] [--rounds 7] [--folder FOLDER]

Makes that many LoRA files of random names in 20 folders (a header and sparse zeros; a card beside every
second, a preview beside every tenth), starts the program with a tiny checkpoint, and opens its page in
Chromium. Opening is from the click on "Lora" to cards on the screen, in a fresh page each round; searching
from a key to other cards on the screen; scrolling from a jump to the end to the last cards. Two frames of the
screen are in each figure, because only then the cards are painted.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from catalog import make_files
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.meter import describe_machine, say
from tests.golden_cases import make_golden_models
from tests.ui import browser as steps

GOLDEN_MODELS = steps.ROOT / "tests" / "goldens" / "models"
KEYS = "124"
PREVIEW_SIZE = (256, 384)
# Waits for what a function of the page says, looking at every change, then for two frames.
UNTIL = """
const painted = (holds) => new Promise((resolve) => {
  const root = document.querySelector('#txt2img_lora') ?? document.body;
  const look = () => {
    if (!holds()) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true, subtree: true, attributes: true });
  look();
});
const cards = () => [...document.querySelectorAll('#txt2img_lora_cards .card')];
"""
OPEN = f"""async () => {{ {UNTIL}
  const start = performance.now();
  document.querySelector('#txt2img_extra_tabs button[data-page=lora]').click();
  return await painted(() => cards().length > 3) - start;
}}"""
PICTURES = f"""async () => {{ {UNTIL}
  const start = performance.now();
  while (cards().some((card) => card.querySelector('img') && !card.querySelector('img').complete)) {{
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }}
  return performance.now() - start;
}}"""
WAIT_FOR_KEY = f"""() => {{ {UNTIL}
  const [first] = cards();
  window.measured = new Promise((resolve) => addEventListener('keydown', ({{ timeStamp }}) =>
    painted(() => !first.isConnected && cards().length > 0).then((end) => resolve(end - timeStamp)),
    {{ once: true, capture: true }}));
}}"""
SCROLL = f"""async () => {{ {UNTIL}
  const scroller = document.querySelector('#txt2img_lora .cards-scroll');
  const start = performance.now();
  scroller.scrollTop = scroller.scrollHeight;
  const {{ bottom }} = scroller.getBoundingClientRect();
  const end = () => cards().some((card) => Math.abs(card.getBoundingClientRect().bottom - bottom) < 40);
  return await painted(end) - start;
}}"""


def main() -> None:
    """Make the files, start the server, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where to make them; else a temporary folder")
    chosen = parser.parse_args()
    describe_machine(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        home = Path(folder)
        make_files(home / "models" / "Lora", chosen.files, 24)
        make_sidecars(home / "models" / "Lora")
        checkpoints = home / "models" / "Stable-diffusion"
        checkpoints.mkdir()
        for path in make_golden_models(GOLDEN_MODELS).glob("tiny-sd15.*"):
            shutil.copy(path, checkpoints)
        with steps.served(home, checkpoints) as address, sync_playwright() as play:
            httpx.post(f"{address}sdapi/v1/options", json={"sd_model_checkpoint": "tiny-sd15"})
            took = wait_for_cards(address, chosen.files)
            say(f"all cards known {took:.1f} s after the page could be opened (first start)")
            browser = play.chromium.launch(executable_path=steps.CHROMIUM, args=list(steps.ARGUMENTS))
            measure(browser, address, chosen.rounds)
            browser.close()


def make_sidecars(folder: Path) -> None:
    """A card beside every second file, a preview beside every tenth."""
    for number, path in enumerate(sorted(folder.rglob("*.safetensors"))):
        if number % 2 == 0:
            text = {"activation text": f"word{number}, {path.stem}", "description": "Made for measuring " * 5}
            path.with_suffix(".json").write_text(json.dumps(text), encoding="utf-8")
        if number % 10 == 0:
            colour = (number * 7 % 256, number * 13 % 256, 120)
            Image.new("RGB", PREVIEW_SIZE, colour).save(path.with_suffix(".jpg"))


def wait_for_cards(address: str, files: int) -> float:
    """Seconds until the server tells of all files."""
    start = time.perf_counter()
    while httpx.get(f"{address}v1/cards?kind=lora&limit=1", timeout=120).json()["total"] < files:
        time.sleep(0.1)
    return time.perf_counter() - start


def measure(browser: Browser, address: str, rounds: int) -> None:
    """All parts, a line each; the first round is not counted."""
    found: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        page = steps.opened(browser, address)
        for what, milliseconds in one_round(page):
            if number:
                found.setdefault(what, []).append(milliseconds)
        page.context.close()
    with httpx.Client(timeout=120) as client:
        for question in ("limit=100", "limit=100&q=moss%2012"):
            url = f"{address}v1/cards?kind=lora&fitting=1&{question}"
            server = [milliseconds_of(lambda url=url: client.get(url)) for _ in range(4 * rounds)]
            found[f"server alone, {question}"] = server
    for what, each in found.items():
        say(f"{what:42} {statistics.median(each):7.0f} ms ({min(each):.0f}-{max(each):.0f})")


def one_round(page: Page) -> list[tuple[str, float]]:
    """What was measured in a fresh page."""
    found = [("page of cards opened", float(page.evaluate(OPEN)))]
    found.append(("its pictures after that", float(page.evaluate(PICTURES))))
    page.focus("#txt2img_lora_extra_search")
    for key in KEYS:
        page.evaluate(WAIT_FOR_KEY)
        page.keyboard.press(key)
        found.append(("search, from key to cards", float(page.evaluate("window.measured"))))
    page.fill("#txt2img_lora_extra_search", "")
    page.wait_for_timeout(500)
    found.append(("scrolled to the end", float(page.evaluate(SCROLL))))
    return found


def milliseconds_of(work: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
