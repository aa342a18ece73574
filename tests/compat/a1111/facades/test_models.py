"""Checkpoints, VAEs, hashes, caches, files, number formats."""

import io
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from webui.core.errors import UnusableFile
from webui.core.model_file import ModelKind
from webui.library.files.hashing import data_hash_of, sha256_of
from webui.models.files.pickles import load_pickle


class Code:
    def __reduce__(self):
        return (print, ("ran",))


def test_checkpoints_are_those_of_the_api_by_the_same_titles(world, exact_api):
    listed = exact_api.get("/sdapi/v1/sd-models").json()
    sd_models = world.module("modules.sd_models")
    assert sd_models.checkpoint_tiles() == [each["title"] for each in listed]
    for each in listed:
        info = sd_models.checkpoints_list[each["title"]]
        assert (info.filename, info.model_name, info.sha256) == (
            each["filename"], each["model_name"], each["sha256"],
        )  # fmt: skip


def test_every_name_of_a_checkpoint_finds_it(world):
    sd_models = world.module("modules.sd_models")
    for info in sd_models.checkpoints_list.values():
        for name in (info.title, info.name, info.model_name, info.name_for_extra, info.hash):
            assert sd_models.get_closet_checkpoint_match(name) == info
        assert info.calculate_shorthash() == sha256_of(Path(info.filename))[:10]
        assert sd_models.get_closest_checkpoint_match(info.shorthash) == info
    titles = [info.title for info in map(sd_models.get_closet_checkpoint_match, sd_models.checkpoint_tiles())]
    assert sd_models.checkpoint_tiles() == titles == list(sd_models.checkpoints_list)
    assert all(title.endswith("]") for title in titles)
    assert sd_models.get_closet_checkpoint_match("nothing like it at all") is None
    assert sd_models.get_closet_checkpoint_match("") is None


def test_a_file_outside_the_folders_is_a_checkpoint_too(world, tmp_path):
    sd_models = world.module("modules.sd_models")
    save_file({"x": torch.zeros(2)}, tmp_path / "mine.safetensors", {"about": '{"a": 1}', "by": "me"})
    info = sd_models.CheckpointInfo(str(tmp_path / "mine.safetensors"))
    assert (info.name, info.name_for_extra, info.metadata["by"]) == ("mine.safetensors", "mine", "me")
    assert sd_models.read_metadata_from_safetensors(info.filename) == {"about": {"a": 1}, "by": "me"}
    assert set(sd_models.read_state_dict(info.filename)) == {"x"}
    assert sd_models.model_hash(str(tmp_path / "none")) == "NOFILE"


def test_selecting_changes_the_setting_and_loads(world, exact_services):
    sd_models = world.module("modules.sd_models")
    before = exact_services.settings.current.models.sd_model_checkpoint
    try:
        world.run()
        heard = []
        world.module("modules.script_callbacks").on_model_loaded(heard.append)
        info = sd_models.get_closet_checkpoint_match("tiny-sd2v")
        model = sd_models.reload_model_weights(info=info)
        assert exact_services.settings.current.models.sd_model_checkpoint == info.name
        assert model.sd_checkpoint_info == info == sd_models.select_checkpoint()
        assert model.parameterization == "v"
        assert heard == [model]
        assert info.name in [each.file.name for each in world.context.models.loaded()]
        sd_models.unload_model_weights()
        assert world.context.models.loaded() == []
    finally:
        exact_services.settings.change({"sd_model_checkpoint": before})


def test_vaes_are_listed_and_chosen_by_name(world, exact_services):
    sd_vae = world.module("modules.sd_vae")
    files = exact_services.catalog.files(ModelKind.VAE)
    assert sd_vae.vae_dict == {file.file_name: str(file.path) for file in files}
    before = exact_services.settings.current.models.sd_vae
    try:
        for name, path in sd_vae.vae_dict.items():
            sd_vae.reload_vae_weights(vae_file=path)
            assert exact_services.settings.current.models.sd_vae == name
            assert sd_vae.get_loaded_vae_name() == name
            assert sd_vae.load_vae_dict(path)
        sd_vae.load_vae(None, None)
        assert sd_vae.get_loaded_vae_name() is None
    finally:
        exact_services.settings.change({"sd_vae": before})


def test_hashes_are_those_of_the_files_until_they_change(ready_host, tmp_path):
    from modules import hashes

    file = tmp_path / "a.safetensors"
    save_file({"x": torch.zeros(4)}, file)
    assert hashes.sha256_from_cache(file, "checkpoint/a") is None
    assert hashes.sha256(file, "checkpoint/a") == sha256_of(file)
    assert hashes.sha256_from_cache(file, "checkpoint/a") == sha256_of(file)
    assert hashes.sha256(file, "lora/a", use_addnet_hash=True) == data_hash_of(file)
    with file.open("rb") as opened:
        assert hashes.addnet_hash_safetensors(opened) == data_hash_of(file)
    file.write_bytes(b"other")
    os.utime(file, (2**31, 2**31))
    assert hashes.sha256_from_cache(file, "checkpoint/a") is None
    assert hashes.sha256(file, "checkpoint/a") == sha256_of(file)


def test_caches_keep_json_between_starts_and_other_values_until_the_end(ready_host, tmp_path):
    from modules import cache

    from webui.compat.a1111.facades.kept_values import Caches

    section = cache.cache("mine")
    section["a"] = {"b": [1, None, "ü"]}
    section["live"] = live = object()
    assert section["live"] is live
    assert cache.cache("mine") is section
    assert "a" not in cache.cache("other")
    again = Caches(ready_host.services.paths.data).section("mine")
    assert dict(again) == {"a": {"b": [1, None, "ü"]}}
    del section["a"]
    assert section.get("a") is None
    assert list(section) == ["live"]
    with pytest.raises(KeyError):
        section["a"]


def test_what_was_made_of_a_file_is_made_again_when_the_file_changes(ready_host, tmp_path):
    from modules import cache

    file, calls = tmp_path / "x", []
    file.write_text("1")

    def read():
        calls.append(1)
        return {"n": file.read_text()}

    for _ in range(2):
        assert cache.cached_data_for_file("sub", "x", str(file), read) == {"n": "1"}
    assert len(calls) == 1
    file.write_text("2")
    os.utime(file, (5, 5))
    assert cache.cached_data_for_file("sub", "x", str(file), read) == {"n": "2"}


def test_code_in_a_file_is_refused_and_never_runs(ready_host, tmp_path, capsys):
    from modules import safe

    (tmp_path / "bad.pt").write_bytes(pickle.dumps(Code()))
    torch.save({"w": torch.ones(2)}, tmp_path / "good.pt")
    torch.save({"w": Code()}, tmp_path / "worse.pt")
    assert safe.load(tmp_path / "good.pt")["w"].tolist() == [1, 1]
    assert safe.load(str(tmp_path / "good.pt"), map_location="cpu")["w"].tolist() == [1, 1]
    for name in ("bad.pt", "worse.pt"):
        with pytest.raises(UnusableFile):
            safe.load(tmp_path / name)
        with safe.Extra(lambda *_: None), pytest.raises(UnusableFile):
            safe.load(tmp_path / name)
    assert "ran" not in capsys.readouterr().out


def test_files_are_read_while_the_safe_load_stands_in_the_place_of_torchs(ready_host, tmp_path, monkeypatch):
    from modules import safe

    torch.save({"w": torch.ones(2)}, tmp_path / "a.pt")
    # As extensions leave it after loading a file of theirs.
    monkeypatch.setattr(torch, "load", safe.load)
    assert torch.load(tmp_path / "a.pt")["w"].tolist() == [1, 1]
    assert load_pickle(tmp_path / "a.pt")["w"].tolist() == [1, 1]


def test_torch_load_may_be_replaced_by_the_unsafe_one_without_end(ready_host, tmp_path, monkeypatch):
    from modules import safe

    torch.save([1], tmp_path / "a.pt")
    monkeypatch.setattr(torch, "load", safe.unsafe_torch_load)
    assert torch.load(tmp_path / "a.pt") == [1]


def test_number_formats_are_those_of_the_device(ready_host, monkeypatch):
    from modules import devices

    assert devices.device == devices.get_optimal_device() == devices.get_device_for("x")
    wanted = torch.float32 if devices.device.type == "cpu" else torch.float16
    assert devices.dtype == devices.dtype_unet == devices.dtype_vae == wanted
    assert devices.cond_cast_unet(torch.zeros(1, dtype=torch.float64)).dtype == wanted
    assert devices.cond_cast_unet(torch.zeros(1, dtype=torch.int64)).dtype == torch.int64
    monkeypatch.setattr(devices, "dtype_unet", torch.bfloat16)
    assert devices.cond_cast_unet(torch.zeros(1)).dtype == torch.bfloat16
    with devices.autocast(), devices.without_autocast():
        devices.torch_gc()


def test_only_a_tensor_of_nothing_but_nan_is_refused(ready_host):
    from webui.compat.a1111.facades.number_formats import NansException, check_numbers

    check_numbers(torch.tensor([1.0, float("nan")]), "unet")
    check_numbers(torch.tensor([float("nan"), 1.0]), "unet")
    check_numbers(torch.tensor([]), "unet")
    with pytest.raises(NansException, match="VAE"):
        check_numbers(torch.full((2, 2), float("nan")), "vae")


def test_files_that_are_there_are_not_fetched_and_names_that_lead_elsewhere_are_refused(ready_host, tmp_path):
    from basicsr.utils.download_util import load_file_from_url
    from modules import modelloader

    from webui.core.errors import InvalidRequest, WebuiError

    tmp_path /= "files"
    tmp_path.mkdir()
    (tmp_path / "a.pth").write_bytes(b"1")
    (tmp_path / "b.txt").write_bytes(b"1")
    address = "https://127.0.0.1:9/a.pth"
    assert modelloader.load_file_from_url(address, model_dir=tmp_path) == str(tmp_path / "a.pth")
    assert modelloader.load_models(str(tmp_path), ext_filter=[".pth"]) == [str(tmp_path / "a.pth")]
    # By the name that many have it by, which A1111 brought along until 1.7.
    assert load_file_from_url(address, str(tmp_path)) == str(tmp_path / "a.pth")
    # With the whole path for a name, as it comes out where both are joined.
    assert load_file_from_url(address, file_name=str(tmp_path / "a.pth")) == str(tmp_path / "a.pth")
    assert modelloader.load_models(str(tmp_path), ext_blacklist=[".txt"]) == [str(tmp_path / "a.pth")]
    assert modelloader.friendly_name("http://x/y/Z_1.pth") == "Z_1"
    for name in ("../x", "a/b", "..", ""):
        with pytest.raises(InvalidRequest):
            modelloader.load_file_from_url("https://127.0.0.1:9/", model_dir=tmp_path, file_name=name)
    with pytest.raises(WebuiError):
        modelloader.load_file_from_url("https://127.0.0.1:9/c.pth", model_dir=tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["a.pth", "b.txt"]


def test_embeddings_are_those_of_the_api(world, exact_api, exact_services):
    from modules.textual_inversion.textual_inversion import EmbeddingDatabase

    table = EmbeddingDatabase()
    table.load_textual_inversion_embeddings()
    listed = exact_api.get("/sdapi/v1/embeddings").json()
    for group, own in (("loaded", table.word_embeddings), ("skipped", table.skipped_embeddings)):
        assert {name: (each.shape, each.vectors) for name, each in own.items()} == {
            name: (each["shape"], each["vectors"]) for name, each in listed[group].items()
        }


def test_an_embedding_is_saved_and_read_again(ready_host, tmp_path):
    from modules.textual_inversion import textual_inversion

    made = textual_inversion.create_embedding_from_data({"emb_params": torch.rand(3, 8)}, "mine")
    made.save(tmp_path / "mine.pt")
    table = textual_inversion.EmbeddingDatabase()
    table.load_from_dir(str(tmp_path))
    again = table.word_embeddings["mine"]
    assert torch.equal(again.vec, made.vec)
    assert again.checksum() == made.checksum()
    assert len(made.checksum()) == 4


def test_the_pickles_reader_of_plain_data_reads_no_code(ready_host):
    from modules import safe

    assert safe.RestrictedUnpickler(io.BytesIO(pickle.dumps({"a": [1]}))).load() == {"a": [1]}
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print"):
        safe.RestrictedUnpickler(io.BytesIO(pickle.dumps(Code()))).load()


def test_runs_use_embeddings_of_a_folder_that_an_extension_added(world, tmp_path):
    source = next((Path(__file__).parents[3] / "goldens" / "assets" / "embeddings").glob("*.safetensors"))
    (tmp_path / "more").mkdir()
    shutil.copy(source, tmp_path / "more" / "fromafar.safetensors")
    catalog = world.host.services.catalog
    before, folders = world.run(prompt="a fromafar cat"), catalog.folders
    other = world.module("modules.textual_inversion.textual_inversion").EmbeddingDatabase()
    other.add_embedding_dir(str(tmp_path / "more"))
    assert catalog.folders is folders
    try:
        world.module("modules.sd_hijack").model_hijack.embedding_db.add_embedding_dir(str(tmp_path / "more"))
        (made,) = world.run(prompt="a fromafar cat")
    finally:
        shutil.rmtree(tmp_path / "more")
        catalog.scan()
    assert made.image.tobytes() != before[0].image.tobytes()
    assert "fromafar" in made.infotext.split("TI hashes", 1)[1]


def test_runs_use_embeddings_that_an_extension_keeps_in_memory(world, tmp_path):
    module = world.module("modules.textual_inversion.textual_inversion")
    database = world.module("modules.sd_hijack").model_hijack.embedding_db
    source = next((Path(__file__).parents[3] / "goldens" / "assets" / "embeddings").glob("*.safetensors"))
    vectors = next(iter(load_file(source).values()))
    made = module.Embedding(vectors, "<'EM1'>")
    (before,) = world.run(prompt="a <'EM1'> cat")
    try:
        database.register_embedding(made, None)
        (given,) = world.run(prompt="a <'EM1'> cat")
        made.vec = vectors * 2
        (changed,) = world.run(prompt="a <'EM1'> cat")
        made.vec = torch.zeros(0, vectors.shape[1])
        (emptied,) = world.run(prompt="a <'EM1'> cat")
        database.register_embedding_by_name(None, None, "<'EM1'>")
        (after,) = world.run(prompt="a <'EM1'> cat")
        (tmp_path / "more").mkdir()
        shutil.copy(source, tmp_path / "more" / "fromafar.safetensors")
        database.add_embedding_dir(str(tmp_path / "more"))
        (from_file,) = world.run(prompt="a fromafar cat")
    finally:
        shutil.rmtree(tmp_path / "more", ignore_errors=True)
        world.host.services.catalog.scan()
    pixels = [each.image.tobytes() for each in (before, emptied, after)]
    assert pixels[0] == pixels[1] == pixels[2]
    # As the same vectors in a file do.
    assert given.image.tobytes() == from_file.image.tobytes()
    assert changed.image.tobytes() not in (given.image.tobytes(), before.image.tobytes())
    assert "TI hashes" not in given.infotext


def test_modules_of_packages_are_there_without_import(world):
    modules = world.module("modules")
    assert modules.textual_inversion.textual_inversion.EmbeddingDatabase
    assert modules.hypernetworks.hypernetwork.Hypernetwork
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = modules.textual_inversion.nothing


def test_moving_a_checkpoint_and_its_parts_leaves_them_where_they_are(world):
    world.run()
    model = world.module("modules.shared").sd_model
    for part in (model, model.model, model.cond_stage_model):
        assert part.to("cpu").half().float().eval().cpu() is part
    names = [name for name, _ in model.named_modules()]
    assert names[0] == "model.diffusion_model"
    assert all(name.startswith("model.diffusion_model") for name in names)
    assert len(names) == len(list(model.modules()))


def test_the_text_encoder_cuts_texts_into_chunks(world):
    model = world.module("modules.shared").sd_model
    [first, second], count = model.cond_stage_model.tokenize_line("a (red:1.2) cat BREAK sea")
    cat, sea = model.cond_stage_model.tokenize(["cat", "sea"])
    assert (len(first.tokens), len(first.multipliers), count) == (77, 77, 76)
    assert (first.tokens[0], first.tokens[3], first.tokens[4]) == (49406, *cat, 49407)
    assert (first.multipliers[2], second.tokens[1:3]) == (1.2, (*sea, 49407))
    batch, longest = model.cond_stage_model.process_texts(["a", "a cat"])
    assert ([len(chunks) for chunks in batch], longest) == ([1, 1], 2)


def test_the_text_encoder_has_the_words_of_the_original_codes_class(world):
    from ldm.modules.encoders.modules import FrozenCLIPEmbedder, FrozenOpenCLIPEmbedder

    world.run()
    encoder = world.module("modules.shared").sd_model.cond_stage_model
    # SD1's is one encoder, of which A1111 knows no list.
    assert not hasattr(encoder, "embedders")
    wrapped = encoder.wrapped
    assert isinstance(wrapped, FrozenCLIPEmbedder)
    assert not isinstance(wrapped, FrozenOpenCLIPEmbedder)
    assert type(wrapped).__name__ == "FrozenCLIPEmbedder"
    words = wrapped.transformer.text_model.embeddings.token_embedding.wrapped
    ids = wrapped.tokenizer("a red cat", truncation=False, add_special_tokens=False)["input_ids"]
    known = words(torch.tensor([ids], device=words.weight.device))
    assert known.shape == (1, 3, words.weight.shape[1])
    assert not hasattr(wrapped, "model")
    assert torch.equal(encoder.encode_embedding_init_text("a red cat", 999), known[0].float())
    assert encoder.encode_embedding_init_text("a red cat", 2).shape[0] == 2


def test_the_tokenizer_answers_by_the_names_of_transformers():
    from webui.compat.a1111.facades.encoders import CLIPTokenizer

    tokenizer = CLIPTokenizer("transformers")
    ids = tokenizer.encode("Señor cat")
    assert (ids[0], ids[-1], len(tokenizer)) == (49406, 49407, 49408)
    assert tokenizer.decode(ids) == "señor cat"
    assert tokenizer.tokenize("red cat") == ["red</w>", "cat</w>"]
    assert tokenizer.convert_tokens_to_ids("cat</w>") == tokenizer.get_vocab()["cat</w>"] == ids[-2]
    letters = "".join(tokenizer.convert_ids_to_tokens(ids[1:-2])).replace("</w>", "")
    assert bytes(tokenizer.byte_decoder[each] for each in letters).decode() == "señor"
    assert tokenizer(["a", "b c"])["input_ids"][1] == tokenizer.encode("b c")
