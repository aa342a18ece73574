"""The catalog: what is found in the folders, and by which names."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.models.small_checkpoints import NARROW, small_checkpoint, write
from webui.core.errors import ModelNotFound, UnusableFile
from webui.core.flags import Flags
from webui.core.model_file import Family, ModelKind
from webui.core.settings import Paths
from webui.library.catalog.catalog import Catalog, ModelFolders
from webui.library.recognise import kinds
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache

LORA = {"lora_unet_x_attn2_to_k.lora_down.weight": torch.zeros(4, 768)}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An A1111 folder with a few models in it."""
    models = tmp_path / "models"
    checkpoint = small_checkpoint(NARROW)
    vae = {key: tensor for key, tensor in checkpoint.items() if key.startswith("first_stage_model.")}
    write(models / "Stable-diffusion" / "anime" / "lion.safetensors", checkpoint)
    write(models / "Stable-diffusion" / "zebra10.safetensors", checkpoint | {"note": torch.zeros(300_000)})
    write(models / "Stable-diffusion" / "zebra9.safetensors", checkpoint | {"note": torch.zeros(1)})
    write(models / "Stable-diffusion" / ".hidden" / "secret.safetensors", checkpoint)
    write(models / "VAE" / "bright.safetensors", vae)
    write(models / "VAE" / "lion.vae.safetensors", vae)
    write(models / "Lora" / "ink.safetensors", LORA)
    write(models / "starter" / "starter.safetensors", checkpoint)
    (models / "Stable-diffusion" / "page.safetensors").write_text("<html>log in</html>")
    (models / "Stable-diffusion" / "readme.txt").write_text("no model")
    return tmp_path


@pytest.fixture
def catalog(home: Path) -> Catalog:
    made = Catalog(ModelFolders.of(paths(home)), HeaderCache(Database(IN_MEMORY)))
    made.scan()
    return made


def paths(home: Path) -> Paths:
    return Paths(
        root=home,
        data=home / "data",
        models=home / "models",
        embeddings=home / "embeddings",
        styles=(),
        starter=home / "models" / "starter",
    )


def names(catalog: Catalog, kind: ModelKind) -> list[str]:
    return [file.name for file in catalog.files(kind)]


def test_checkpoints_are_listed_in_natural_order_and_the_bundled_one_last(catalog: Catalog) -> None:
    own = ["anime/lion.safetensors", "zebra9.safetensors", "zebra10.safetensors"]
    assert names(catalog, ModelKind.CHECKPOINT) == [*own, "starter.safetensors"]
    assert catalog.find_checkpoint("").name == "anime/lion.safetensors"


def test_kinds_are_told_by_content_and_unusable_files_by_their_reason(catalog: Catalog) -> None:
    assert names(catalog, ModelKind.VAE) == ["bright.safetensors", "lion.vae.safetensors"]
    assert names(catalog, ModelKind.LORA) == ["ink.safetensors"]
    assert [(file.name, "web page" in (file.reason or "")) for file in catalog.unusable()] == [
        ("page.safetensors", True)
    ]


def test_every_name_a1111_knows_finds_the_checkpoint(catalog: Catalog) -> None:
    file = catalog.find_checkpoint("zebra10")
    digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
    old = hashlib.sha256(file.path.read_bytes()[0x100000:0x110000]).hexdigest()[:8]
    assert catalog.sha256(file) == digest
    spelled = [
        "zebra10",
        "zebra10.safetensors",
        old,
        digest,
        digest[:10],
        f"zebra10.safetensors [{digest[:10]}]",
    ]
    spelled += [
        f"zebra10.safetensors [{old}]",
        f"zebra10 [{digest[:10]}]",
        "zebra10.safetensors [0123456789]",
        "ebra1",
    ]
    for name in spelled:
        assert catalog.find_checkpoint(name).path == file.path, name
    assert catalog.find_checkpoint("zebra10").title == f"zebra10.safetensors [{digest[:10]}]"
    for name in ("lion", "anime/lion", "anime_lion", "anime/lion.safetensors"):
        assert catalog.find_checkpoint(name).stem == "lion"
    # The shortest title of those that hold the text.
    assert catalog.find_checkpoint("zebra").stem == "zebra9"


def test_an_unknown_name_is_answered_with_the_nearest(catalog: Catalog) -> None:
    with pytest.raises(
        ModelNotFound, match=r"No checkpoint is named 'zebar10'. Did you mean 'zebra10.safetensors'\?"
    ):
        catalog.find_checkpoint("zebar10")


def test_a_file_of_another_kind_or_a_damaged_one_is_named_as_such(catalog: Catalog) -> None:
    with pytest.raises(UnusableFile, match=r"ink\.safetensors is a LoRA, not a checkpoint"):
        catalog.find_checkpoint("ink")
    with pytest.raises(UnusableFile, match=r"page\.safetensors cannot be used as a checkpoint.*web page"):
        catalog.find_checkpoint("page")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", ".hidden/secret", "../../x.safetensors", "\0"])
def test_nothing_outside_the_folders_can_be_named(catalog: Catalog, name: str) -> None:
    with pytest.raises(ModelNotFound):
        catalog.find_checkpoint(name)


def test_a_new_file_is_found_without_a_refresh(catalog: Catalog, home: Path) -> None:
    write(home / "models" / "Stable-diffusion" / "tiger.safetensors", small_checkpoint(NARROW))
    assert catalog.find_checkpoint("tiger").stem == "tiger"


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(home: Path) -> None:
    cache = HeaderCache(Database(IN_MEMORY))
    first = Catalog(ModelFolders.of(paths(home)), cache)
    first.scan()
    lion = first.find_checkpoint("lion")
    cache.put(lion.path, lion.size, lion.mtime_ns, {**_entry(cache, lion.path), "reason": "from the cache"})
    second = Catalog(ModelFolders.of(paths(home)), cache)
    second.scan()
    assert "from the cache" in [file.reason for file in second.unusable()]
    write(lion.path, LORA)
    second.scan()
    assert [(file.stem, file.kind) for file in second.unusable() if file.is_misplaced] == [
        ("lion", ModelKind.LORA)
    ]


def _entry(cache: HeaderCache, path: Path) -> dict[str, object]:
    stat = path.stat()
    entry = cache.get(path, stat.st_size, stat.st_mtime_ns)
    assert entry is not None
    return entry


def test_links_in_circles_end_and_linked_files_count_once(home: Path) -> None:
    folder = home / "models" / "Stable-diffusion"
    (folder / "circle").symlink_to(folder)
    (folder / "again.safetensors").symlink_to(folder / "zebra9.safetensors")
    catalog = Catalog(ModelFolders.of(paths(home)), HeaderCache(Database(IN_MEMORY)))
    catalog.scan()
    assert len(catalog.files(ModelKind.CHECKPOINT)) == 4


def test_automatic_takes_the_vae_named_like_the_checkpoint(catalog: Catalog) -> None:
    lion, zebra = catalog.find_checkpoint("lion"), catalog.find_checkpoint("zebra9")
    assert (vae := catalog.vae_for(lion)) is not None
    assert vae.name == "lion.vae.safetensors"
    assert catalog.vae_for(zebra) is None
    assert catalog.vae_for(lion, "None") is None
    assert (vae := catalog.vae_for(lion, "bright.safetensors")) is not None
    assert vae.name == "bright.safetensors"
    with pytest.raises(ModelNotFound, match="No VAE is named 'dim'"):
        catalog.vae_for(lion, "dim")


def test_the_vae_on_a_checkpoints_card_comes_before_automatic(catalog: Catalog) -> None:
    lion = catalog.find_checkpoint("lion")
    lion.path.with_suffix(".json").write_text(json.dumps({"vae": "bright.safetensors"}))
    for choice, first, expected in (
        ("Automatic", True, "bright"),
        ("lion.vae", False, "bright"),
        ("lion.vae", True, "lion"),
    ):
        vae = catalog.vae_for(lion, choice, choice_first=first)
        assert vae is not None
        assert vae.name.startswith(expected)


def test_a_diffusers_folder_is_one_checkpoint(catalog: Catalog, home: Path) -> None:
    folder = home / "models" / "Stable-diffusion" / "pipeline"
    write(
        folder / "unet" / "diffusion_pytorch_model.safetensors", {"conv_in.weight": torch.zeros(32, 4, 3, 3)}
    )
    write(folder / "text_encoder" / "model.safetensors", {"text_model.x": torch.zeros(1)})
    (folder / "model_index.json").write_text("{}")
    catalog.scan()
    assert "pipeline" in names(catalog, ModelKind.CHECKPOINT)
    assert catalog.find_checkpoint("pipeline").path == folder


def test_no_folders_at_all_say_where_to_put_a_checkpoint(tmp_path: Path) -> None:
    empty = Catalog(ModelFolders.of(paths(tmp_path)), HeaderCache(Database(IN_MEMORY)))
    with pytest.raises(ModelNotFound, match="Put one into models/Stable-diffusion"):
        empty.find_checkpoint("")


def test_a_file_in_the_wrong_folder_is_told_of_and_not_offered(catalog: Catalog, home: Path) -> None:
    write(home / "models" / "Stable-diffusion" / "stray.safetensors", LORA)
    catalog.scan()
    assert names(catalog, ModelKind.LORA) == ["ink.safetensors"]
    (stray,) = [file for file in catalog.unusable() if file.is_misplaced]
    assert stray.reason == (
        "This is a LoRA, but it lies in the folder Stable-diffusion. Move it to models/Lora."
    )
    with pytest.raises(
        UnusableFile, match=r"stray\.safetensors cannot be used as a checkpoint\. This is a LoRA"
    ):
        catalog.find_checkpoint("stray")


def test_a_vae_beside_a_checkpoint_is_one_if_its_name_says_so(catalog: Catalog, home: Path) -> None:
    vae = (home / "models" / "VAE" / "bright.safetensors").read_bytes()
    for name in ("zebra9.vae.safetensors", "clear.safetensors"):
        (home / "models" / "Stable-diffusion" / name).write_bytes(vae)
    catalog.scan()
    assert "zebra9.vae.safetensors" in names(catalog, ModelKind.VAE)
    assert [file.stem for file in catalog.unusable() if file.is_misplaced] == ["clear"]


@pytest.mark.parametrize(
    "name",
    [
        "big.safetensors.part",
        "big.part.safetensors",
        "big.tmp-1f.safetensors",
        "big.safetensors.crdownload",
        ".big.safetensors",
        "~big.safetensors",
    ],
)
def test_a_half_written_file_is_never_listed(catalog: Catalog, home: Path, name: str) -> None:
    folder = home / "models" / "Lora"
    (folder / name).write_bytes(b"\0" * 100)
    catalog.scan()
    assert [file.name for file in catalog.all_files() if "big" in file.name] == []


def test_a_file_with_its_downloaders_notes_beside_it_is_not_whole(catalog: Catalog, home: Path) -> None:
    folder = home / "models" / "Lora"
    write(folder / "slow.safetensors", LORA)
    (folder / "slow.safetensors.aria2").write_bytes(b"")
    catalog.scan()
    assert names(catalog, ModelKind.LORA) == ["ink.safetensors"]
    (folder / "slow.safetensors.aria2").unlink()
    catalog.scan()
    assert names(catalog, ModelKind.LORA) == ["ink.safetensors", "slow.safetensors"]


def test_every_folder_of_a1111_and_of_the_flags_is_looked_into(tmp_path: Path) -> None:
    flags = Flags.model_validate({"lora_dir": tmp_path / "mine", "models_dir": tmp_path / "m"})
    known = flags.paths(tmp_path)
    folders = ModelFolders.of(known)
    below = {
        path.relative_to(known.models).as_posix() for path in folders.roots if known.models in path.parents
    }
    assert below >= {
        "Stable-diffusion", "VAE", "VAE-approx", "Lora", "LyCORIS", "hypernetworks", "ControlNet", "ESRGAN",
        "RealESRGAN", "SwinIR", "ScuNET", "DAT", "HAT", "GFPGAN", "Codeformer", "text_encoder",
    }  # fmt: skip
    assert known.embeddings in folders.roots
    assert folders.home(ModelKind.LORA) == tmp_path / "mine"
    assert folders.home(ModelKind.VAE) == known.models / "VAE"
    assert folders.home(ModelKind.EMBEDDING) == known.embeddings


def test_a_folder_within_another_is_for_its_own_kinds(home: Path) -> None:
    inner = home / "models" / "Stable-diffusion" / "loras"
    write(inner / "deep.safetensors", LORA)
    known = paths(home).model_copy(update={"extra": {"lora": (inner,)}})
    catalog = Catalog(ModelFolders.of(known), HeaderCache(Database(IN_MEMORY)))
    catalog.scan()
    assert names(catalog, ModelKind.LORA) == ["deep.safetensors", "ink.safetensors"]


def test_one_file_is_added_and_forgotten_without_a_scan(catalog: Catalog, home: Path) -> None:
    path = home / "models" / "Lora" / "sub" / "wax.safetensors"
    write(path, LORA)
    before = catalog.version
    assert catalog.add(path).name == "sub/wax.safetensors"
    assert names(catalog, ModelKind.LORA) == ["ink.safetensors", "sub/wax.safetensors"]
    assert catalog.add(path).name == "sub/wax.safetensors"
    assert len(names(catalog, ModelKind.LORA)) == 2
    catalog.forget(path)
    assert names(catalog, ModelKind.LORA) == ["ink.safetensors"]
    assert catalog.version > before
    with pytest.raises(ModelNotFound, match="lies in none of the model folders"):
        catalog.add(home / "elsewhere.safetensors")


def test_a_file_is_found_by_each_of_its_hashes(catalog: Catalog) -> None:
    file = catalog.find_checkpoint("lion")
    digest = catalog.sha256(file)
    for hashed in (digest, digest.upper(), digest[:10], digest[:12], str(file.old_hash)):
        found = catalog.by_hash(hashed)
        assert found is not None, hashed
        assert found.path == file.path
    assert catalog.by_hash(digest[:10] + "0" * 54) is None
    assert catalog.by_hash("") is None


def test_search_finds_every_word_in_any_order_and_leaves_other_families_out(catalog: Catalog) -> None:
    assert [file.stem for file in catalog.search("LION anime")] == ["lion"]
    assert [file.stem for file in catalog.search("lion", ModelKind.VAE)] == ["lion.vae"]
    assert [file.stem for file in catalog.search("ink", family=Family.SD1)] == ["ink"]
    assert catalog.search("ink", family=Family.SDXL) == []
    assert len(catalog.search("")) == len(catalog.all_files())


def test_a_name_that_is_no_text_is_listed_and_can_be_shown(catalog: Catalog, home: Path) -> None:
    odd = os.fsdecode(b"w\xffx.safetensors")
    write(home / "models" / "Lora" / "plain.safetensors", LORA)
    (home / "models" / "Lora" / "plain.safetensors").rename(home / "models" / "Lora" / odd)
    for _ in range(2):
        catalog.scan()
        (file,) = [file for file in catalog.files(ModelKind.LORA) if file.path.name == odd]
        assert file.name.encode("utf-8")


def test_why_a_kind_cannot_be_used_is_not_remembered_with_its_files(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / "models" / "ControlNet" / "canny.safetensors", {"zero_convs.0.0.weight": torch.zeros(1)})
    cache = HeaderCache(Database(IN_MEMORY))
    reason = kinds.FACTS[ModelKind.CONTROLNET].not_yet

    def reasons() -> set[str | None]:
        made = Catalog(ModelFolders.of(paths(home)), cache)
        made.scan()
        return {file.reason for file in made.all_files(ModelKind.CONTROLNET)}

    before = reasons()
    usable = {**kinds.FACTS, ModelKind.CONTROLNET: replace(kinds.FACTS[ModelKind.CONTROLNET], not_yet=None)}
    monkeypatch.setattr(kinds, "FACTS", usable)
    assert (before, reasons()) == ({reason}, {None})
