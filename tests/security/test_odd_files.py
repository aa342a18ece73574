"""Whatever lies in the folders that users fill: what can be used is there, nothing waits, nothing raises."""

import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from safetensors.torch import save_file

from tests.arriving_files import picture as infotext_picture
from tests.models.small_checkpoints import NARROW, small_checkpoint, write
from webui.api.app import build_api
from webui.core.errors import InvalidRequest, NotFound
from webui.core.flags import read_flags
from webui.core.model_file import ModelKind
from webui.jobs.img2img_batch import find_batch_pictures
from webui.jobs.services import Services
from webui.main import build_services
from webui.models.files.tensors import open_tensors
from webui.pipelines.extras.extras import read_folder
from webui.store.files.regular_files import folders_below, open_regular, read_regular, regular_files
from webui.store.pictures.picture_files import pictures_in

FOLDERS = {
    "models/Stable-diffusion": ".safetensors",
    "models/Lora": ".safetensors",
    "models/VAE": ".pt",
    "models/ESRGAN": ".pth",
    "models/hypernetworks": ".pt",
    "models/opencv": "-yunet.onnx",
    "embeddings": ".png",
    "outputs/txt2img-images": ".png",
    "wildcards": ".txt",
    "models/.incoming/uploads": ".json",
    "models/Lora/.trash": ".json",
}
UNIT = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
LORA = {f"{UNIT}.lora_up.weight": torch.zeros(320, 4), f"{UNIT}.lora_down.weight": torch.zeros(4, 320)}
LATIN = b"caf\xe9"
PATIENCE_S = 60


def make_odd_files(folder: Path, suffix: str, stem: str = "odd") -> None:
    """One of each kind of thing that is no file, or no longer one, under names that are looked for."""
    folder.mkdir(parents=True, exist_ok=True)
    os.mkfifo(folder / f"{stem}-pipe{suffix}")
    with socket.socket(socket.AF_UNIX) as door:
        # Longer paths are refused: the socket is made elsewhere.
        here = os.open(folder, os.O_RDONLY)
        door.bind(f"/proc/self/fd/{here}/{stem}-door{suffix}")
        os.close(here)
    (folder / f"{stem}-zero{suffix}").symlink_to("/dev/zero")
    (folder / f"{stem}-itself{suffix}").symlink_to(f"{stem}-itself{suffix}")
    (folder / f"{stem}-there{suffix}").symlink_to(f"{stem}-back{suffix}")
    (folder / f"{stem}-back{suffix}").symlink_to(f"{stem}-there{suffix}")
    (folder / f"{stem}-gone{suffix}").symlink_to("nowhere")
    (folder / f"{stem}-circle").symlink_to(folder)
    (folder / f"{stem}-folder{suffix}").mkdir()
    (folder / ("x" * (255 - len(suffix)) + suffix)).write_bytes(b"")
    (folder / f"{stem}-empty{suffix}").write_bytes(b"")


def in_time(call: Callable[[], object]) -> object:
    """What a call gives; fails where it waits, which it would do for ever."""
    given: list[object] = []
    thread = threading.Thread(target=lambda: given.append(call()), daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    return given[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for folder, suffix in FOLDERS.items():
        make_odd_files(tmp_path / folder, suffix)
    lora = tmp_path / "models/Lora/good.safetensors"
    save_file(LORA, lora)
    # GalleryContext it, where cards, previews and notes of other programs are looked for.
    for end in (".json", ".civitai.info", ".txt", ".png", ".preview.png"):
        os.mkfifo(lora.with_name(f"good{end}"))
    long = lora.with_name("y" * 243 + ".safetensors")
    shutil.copy(lora, long)
    picture = tmp_path / "outputs/txt2img-images/2026-01-01/00001.png"
    picture.parent.mkdir()
    picture.write_bytes(infotext_picture())
    os.mkfifo(tmp_path / "styles.csv")
    return tmp_path


@pytest.fixture
def services(home: Path) -> Iterator[Services]:
    made = in_time(lambda: build_services(read_flags(["--data-dir", str(home)])[0], home))
    assert isinstance(made, Services)
    yield made
    made.library.close()


def test_lists_cards_and_history_pass_over_what_is_no_file(services: Services, home: Path) -> None:
    in_time(services.catalog.scan)
    in_time(services.library.start)
    assert [file.stem for file in services.catalog.files(ModelKind.LORA)] == ["good", "y" * 243]
    client = TestClient(build_api(services), base_url="http://127.0.0.1")
    for route in (
        "loras",
        "sd-models",
        "upscalers",
        "prompt-styles",
        "hypernetworks",
        "sd-vae",
    ):
        answer = in_time(lambda route=route: client.get(f"/sdapi/v1/{route}"))
        assert getattr(answer, "status_code", None) == 200, route
    cards = client.get("/v1/cards?kind=lora").json()["cards"]
    for card in cards:
        detail = in_time(lambda card=card: client.get(f"/v1/cards/{card['id']}"))
        assert getattr(detail, "status_code", None) == 200
    assert len(cards) == 2
    in_time(lambda: list(services.history.gather([home / "outputs/txt2img-images"])))
    assert [entry.path.name for entry in services.history.search()] == ["00001.png"]


def test_folders_of_pictures_hold_regular_files_only(home: Path) -> None:
    folder = home / "outputs/txt2img-images"
    empty = [path.name for path in pictures_in(folder)]
    assert sorted(empty) == ["odd-empty.png", "x" * 251 + ".png"]
    assert len(find_batch_pictures(folder, "folder")) == len(read_folder(folder)) == 2


@pytest.mark.parametrize("name", ["\0", "x" * 5000, "a/" * 3000, "\udce9", "/proc/self/mem", "/dev"])
def test_no_name_of_a_folder_raises_anything_but_a_sentence(name: str) -> None:
    with pytest.raises((InvalidRequest, NotFound)):
        find_batch_pictures(Path(name), "folder")
    with pytest.raises((InvalidRequest, NotFound)):
        read_folder(Path(name))


def test_what_became_a_pipe_after_it_was_listed_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    def opened() -> bool:
        try:
            open_regular(tmp_path / "pipe").close()
        except OSError:
            return False
        return True

    assert in_time(opened) is False
    with pytest.raises(OSError, match="no regular file"):
        read_regular(Path("/dev/zero"), 10)


def test_a_file_that_vanishes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.safetensors").write_bytes(b"x")
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for number in range(300):
                (tmp_path / f"{number}.safetensors").unlink(missing_ok=True)
                (tmp_path / f"{number}.safetensors").write_bytes(b"x")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(30):
            assert all(path.suffix for path in regular_files(tmp_path))
            assert list(folders_below(tmp_path)) == [tmp_path]
    finally:
        stop.set()
        thread.join()


def test_folders_in_folders_end(tmp_path: Path) -> None:
    inner = tmp_path
    for _ in range(100):
        inner = inner / "d"
        inner.mkdir()
    assert len(list(folders_below(tmp_path))) == 65


def latin(folder: Path, source: Path, end: str) -> Path:
    """A copy under a name that is no UTF-8, as an archive from elsewhere leaves it."""
    target = Path(os.fsdecode(os.fsencode(folder) + b"/" + LATIN + end.encode()))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    return target


@pytest.fixture
def latin_home(tmp_path: Path) -> Path:
    home, files = tmp_path / "home", tmp_path / "files"
    files.mkdir()
    save_file(LORA, files / "lora.safetensors")
    checkpoint = small_checkpoint(NARROW)
    write(files / "model.safetensors", checkpoint)
    vae = {key: tensor for key, tensor in checkpoint.items() if key.startswith("first_stage_model.")}
    write(files / "vae.safetensors", vae)
    torch.save({"string_to_param": {"*": torch.zeros(2, 768)}}, files / "embedding.pt")
    (files / "picture.png").write_bytes(infotext_picture())
    latin(home / "models/Lora", files / "lora.safetensors", ".safetensors")
    latin(home / "models/Stable-diffusion", files / "model.safetensors", ".safetensors")
    latin(home / "models/VAE", files / "vae.safetensors", ".safetensors")
    latin(home / "embeddings", files / "embedding.pt", ".pt")
    latin(home / "outputs/txt2img-images", files / "picture.png", ".png")
    latin(home / "models/Lora", files / "picture.png", ".png")
    (files / "note.json").write_text(json.dumps({"activation text": "ink"}))
    latin(home / "models/Lora", files / "note.json", ".json")
    (files / "empty.safetensors").write_bytes(b"")
    latin(home / "models/Lora/damaged", files / "empty.safetensors", ".safetensors")
    return home


def test_a_name_that_is_no_utf8_is_listed_found_hashed_and_loaded(latin_home: Path) -> None:
    services = build_services(read_flags(["--data-dir", str(latin_home)])[0], latin_home)
    catalog = services.catalog
    catalog.scan()
    client = TestClient(build_api(services), base_url="http://127.0.0.1")
    assert [each["name"] for each in client.get("/sdapi/v1/loras").json()] == ["caf\ufffd"]
    assert client.get("/sdapi/v1/sd-models").json()[0]["model_name"] == "caf\ufffd"
    assert client.get("/sdapi/v1/sd-vae").json()[0]["model_name"] == "caf\ufffd.safetensors"
    cards = client.get("/v1/cards").json()["cards"]
    assert {card["stem"] for card in cards} == {"caf\ufffd"}
    assert "is empty" in next(card["reason"] for card in cards if card["folder"] == "damaged")
    lora = next(card for card in cards if card["kind"] == "lora" and not card["reason"])
    assert (lora["insert"], lora["activation_text"]) == ("<lora:caf\ufffd:1> ink", "ink")
    detail = client.get(f"/v1/cards/{lora['id']}").json()
    assert detail["sidecars"] == ["caf\ufffd.json", "caf\ufffd.png"]
    assert client.get(f"/v1/cards/{lora['id']}/thumbnail").status_code == 200
    for kind in (ModelKind.CHECKPOINT, ModelKind.VAE, ModelKind.EMBEDDING, ModelKind.LORA):
        file = catalog.find(kind, "caf\ufffd")
        assert len(catalog.sha256(file)) == 64
        assert open_tensors(file.path)
    assert client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "caf\ufffd"}).status_code == 200
    assert catalog.find_checkpoint("caf\ufffd.safetensors").title.startswith("caf\ufffd")
    list(services.history.gather([latin_home / "outputs/txt2img-images"]))
    (entry,) = services.history.search()
    assert entry.path.is_file()
    assert client.patch(f"/v1/cards/{lora['id']}", json={"notes": "mine"}).json()["notes"] == "mine"
    trashed = client.delete(f"/v1/cards/{lora['id']}").json()
    assert client.get("/v1/trash").status_code == 200
    assert client.post(f"/v1/trash/{trashed['id']}/restore").status_code == 200
    assert client.get(f"/v1/cards/{lora['id']}").json()["notes"] == "mine"
    # Again from what is remembered.
    again = build_services(read_flags(["--data-dir", str(latin_home)])[0], latin_home)
    assert {file.stem for file in again.catalog.scan()} == {"caf\ufffd"}


def test_a_picture_is_made_with_names_that_are_no_utf8(
    golden_models: Path, golden_networks: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    latin(models / "Stable-diffusion", golden_models / "tiny-sd15.safetensors", ".safetensors")
    latin(models / "Stable-diffusion", golden_models / "tiny-sd15.yaml", ".yaml")
    latin(models / "Lora", golden_networks / "Lora" / "dora.safetensors", ".safetensors")
    arguments = ["--precision", "full", "--use-cpu", "all", "--data-dir", str(tmp_path)]
    services = build_services(read_flags(arguments)[0], tmp_path)
    services.catalog.scan()
    client = TestClient(build_api(services), base_url="http://127.0.0.1")
    services.jobs.start()
    try:
        body = {"prompt": "a cat <lora:caf\ufffd:1>", "steps": 2, "width": 64, "height": 64, "seed": 1}
        answer = client.post("/sdapi/v1/txt2img", json=body)
    finally:
        services.jobs.close()
    assert answer.status_code == 200, answer.text
    infotext = json.loads(answer.json()["info"])["infotexts"][0]
    assert "Model: caf\ufffd" in infotext
    assert 'Lora hashes: "caf\ufffd: ' in infotext
