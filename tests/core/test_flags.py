import re
import shlex
from pathlib import Path

import pytest
from pydantic import ValidationError

from webui.core.a1111_flags import EXPLANATIONS
from webui.core.flags import Flags, WrongFlag, help_text, read_flags

# The flags that A1111's users pass most, as their start scripts spell them.
FACTS = shlex.split("""
--xformers --opt-sdp-attention --opt-sdp-no-mem-attention --medvram --medvram-sdxl --lowvram --no-half
--no-half-vae --precision=full --upcast-sampling --listen --port=7860 --server-name=0.0.0.0 --share
--gradio-auth=a:b --gradio-auth-path=who --api --api-auth=a:b --nowebui --cors-allow-origins=*
--tls-keyfile=k --tls-certfile=c --subpath=sd --autolaunch --theme=dark --data-dir=d --models-dir=m
--ckpt-dir=c --vae-dir=v --lora-dir=l --embeddings-dir=e --hypernetwork-dir=h --esrgan-models-path=u
--styles-file=s.csv --ui-config-file=u.json --ui-settings-file=c.json --enable-insecure-extension-access
--disable-all-extensions --disable-extra-extensions --update-all-extensions --skip-torch-cuda-test
--skip-python-version-check --reinstall-torch --no-hashing --no-download-sd-model --allow-code
--device-id=0 --use-cpu=all --disable-nan-check --disable-safe-unpickle --freeze-settings
--api-server-stop --loglevel=DEBUG --deepdanbooru --gradio-queue -f
""")


def flags(*arguments: str) -> Flags:
    return read_flags(arguments)[0]


@pytest.mark.parametrize("flag", FACTS)
def test_a_flag_of_a1111_sets_a_field_or_says_why_it_does_not(flag):
    pair = ["--tls-keyfile=k", "--tls-certfile=c"] if "tls" in flag else []
    read, remarks = read_flags([flag, *pair])
    assert (read != Flags()) != bool(remarks)
    assert all(flag.partition("=")[0] in remark and remark.endswith(".") for remark in remarks)


def test_a_flag_either_does_something_or_is_explained_and_has_one_explanation():
    explained = [flag.replace("-", "_") for flags_of_one in EXPLANATIONS.values() for flag in flags_of_one]
    assert len(explained) == len(set(explained))
    assert not set(explained) & set(Flags.model_fields)


def test_values_come_after_a_space_or_an_equals_sign():
    assert flags("--port", "7870") == flags("--port=7870") == Flags(port=7870)


def test_an_explained_flag_may_have_a_value_which_is_dropped():
    read, remarks = read_flags(["--sub-quad-q-chunk-size", "512", "--listen"])
    assert read == Flags(listen=True)
    assert len(remarks) == 1


def test_the_last_of_two_values_counts():
    assert flags("--port", "1", "--port", "2").port == 2


def test_lists_grow_by_words_and_by_repetition():
    read = flags("--styles-file", "a.csv", "--use-cpu", "SD", "interrogate", "--styles-file", "b.csv")
    assert read.styles_file == (Path("a.csv"), Path("b.csv"))
    assert read.use_cpu == ("sd", "interrogate")


def test_a_word_of_few_choices_may_be_written_in_capitals():
    assert flags("--theme", "Dark", "--loglevel", "WARNING") == Flags(theme="dark", loglevel="warning")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--lisen"], "There is no flag named '--lisen'. Did you mean '--listen'?"),
        (["listen"], "'listen' belongs to no flag."),
        (["--port"], "--port needs a value after it"),
        (["--port", "--listen"], "--port needs a value after it"),
        (["--port", "many"], "--port is 'many', but it should be a valid integer"),
        (["--port", "65536"], "less than or equal to 65535"),
        (["--device-id", "-1"], "--device-id is '-1'"),
        (["--listen", "7860"], "--listen takes no value, but '7860' stands after it."),
        (["--lora-dir", "my", "loras"], "--lora-dir takes one value, but 'loras' stands after it too."),
        (["--precision", "double"], "it should be 'full', 'half' or 'autocast'"),
        (["--tls-keyfile", "key.pem"], "both --tls-keyfile and --tls-certfile"),
    ],
)
def test_a_wrong_flag_is_refused_with_a_sentence(arguments, sentence):
    with pytest.raises(WrongFlag, match=re.escape(sentence)):
        read_flags(arguments)


def test_help_lists_every_flag_with_its_meaning():
    lines = help_text().splitlines()[1:]
    assert len(lines) == len(Flags.model_fields)
    assert all(re.fullmatch(r"  --[a-z-]+ +\S.*[.…]", line) for line in lines), lines


def test_flags_do_not_change_after_the_start():
    read = flags("--listen")
    with pytest.raises(ValidationError):
        read.listen = False


@pytest.mark.parametrize(
    ("arguments", "host"),
    [([], "127.0.0.1"), (["--listen"], "0.0.0.0"), (["--listen", "--server-name", "sd.lan"], "sd.lan")],
)
def test_only_this_machine_is_answered_unless_told_otherwise(arguments, host):
    assert flags(*arguments).host == host


@pytest.mark.parametrize(
    ("arguments", "is_exact"), [([], False), (["--no-half"], True), (["--precision", "full"], True)]
)
def test_no_half_and_full_precision_are_the_exact_mode(arguments, is_exact):
    assert flags(*arguments).is_exact is is_exact


def test_origins_are_separated_by_commas():
    assert flags("--cors-allow-origins", "http://a, http://b,").cors_origins == ("http://a", "http://b")


def test_accounts_are_pairs_and_a_password_may_hold_colons():
    read = flags("--gradio-auth", "ann:1:2,bob:3", "--api-auth", "eve:4")
    assert read.page_accounts() == (("ann", "1:2"), ("bob", "3"))
    assert read.api_accounts() == (("eve", "4"),)


def test_accounts_of_the_page_may_come_from_a_file(tmp_path):
    (tmp_path / "accounts").write_text("bob:3\neve:4\n", encoding="utf-8")
    read = flags("--gradio-auth", "ann:1", "--gradio-auth-path", str(tmp_path / "accounts"))
    assert read.page_accounts() == (("ann", "1"), ("bob", "3"), ("eve", "4"))


def test_a_file_of_accounts_that_names_nobody_does_not_open_the_page_to_everybody(tmp_path):
    (tmp_path / "accounts").write_text("\n", encoding="utf-8")
    with pytest.raises(WrongFlag, match="names nobody"):
        flags("--gradio-auth-path", str(tmp_path / "accounts")).page_accounts()
    with pytest.raises(WrongFlag, match="cannot be read"):
        flags("--gradio-auth-path", str(tmp_path / "missing")).page_accounts()


@pytest.mark.parametrize("written", ["ann", "ann:", ":secret", "ann:1,bob"])
def test_an_account_needs_a_name_and_a_password(written):
    with pytest.raises(WrongFlag, match="name:password"):
        flags("--api-auth", written).api_accounts()


def test_passwords_are_not_shown():
    assert "secret" not in repr(flags("--gradio-auth", "ann:secret", "--api-auth", "bob:secret"))


def test_everything_lies_in_the_project_unless_told_otherwise(tmp_path):
    paths = Flags().paths(tmp_path)
    assert paths.root == tmp_path
    assert (paths.data, paths.models, paths.embeddings) == tuple(
        tmp_path / name for name in ("data", "models", "embeddings")
    )
    assert paths.styles == (tmp_path / "styles.csv",)
    assert paths.extra == {}
    assert Flags().settings_file(tmp_path) == tmp_path / "data" / "settings.json"


def test_a_data_folder_takes_everything_along_but_the_bundled_checkpoint(tmp_path):
    project, mine = tmp_path / "project", tmp_path / "mine"
    paths = flags("--data-dir", str(mine)).paths(project)
    assert paths.starter == project / "models" / "starter"
    assert (paths.root, paths.data, paths.models) == (mine, mine / "data", mine / "models")
    assert (paths.embeddings, paths.styles) == (mine / "embeddings", (mine / "styles.csv",))


def test_further_folders_are_kept_by_kind_and_relative_ones_begin_at_the_project(tmp_path):
    read = flags(
        "--ckpt-dir=/sd", "--ckpt=/one/a.safetensors", "--lora-dir=loras", "--lyco-dir=/lyco",
        "--vae-dir=/vae", "--vae-path=/two/b.pt", "--hypernetwork-dir=/hn", "--esrgan-models-path=/up",
        "--dat-models-path=/dat", "--controlnet-dir=/cn",
    )  # fmt: skip
    assert read.paths(tmp_path).extra == {
        "checkpoints": (Path("/sd"), Path("/one")),
        "vae": (Path("/vae"), Path("/two")),
        "lora": (tmp_path / "loras", Path("/lyco")),
        "hypernetworks": (Path("/hn"),),
        "upscalers": (Path("/up"), Path("/dat")),
        "controlnet": (Path("/cn"),),
    }


def test_a_tilde_is_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    read = flags("--models-dir", "~/models", "--embeddings-dir", "~/e", "--ui-settings-file", "~/s.json")
    paths = read.paths(Path("/project"))
    assert (paths.models, paths.embeddings) == (tmp_path / "models", tmp_path / "e")
    assert read.settings_file(Path("/project")) == tmp_path / "s.json"
