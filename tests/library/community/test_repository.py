"""Addresses, branches, commits and names that strangers write."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.core.errors import InvalidRequest
from webui.library.community.repository import (
    RepositoryAddress,
    check_branch,
    is_folder_name,
    key_of,
    read_url,
)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc", "/etc/passwd", "../x", "C:\\x", "ext::sh -c id", "git://github.com/a/b", "ssh://git@h/a",
        "git@github.com:a/b.git", "http://github.com/a/b", "https://ann:secret@h/a", "https://h/a?x=1", "https://h/a#b",
        "https://h", "https://h/", "https:///a/b", "https://h/../a", "https://h/a b", "https://h/a\nb", "https://-x/a",
        "--upload-pack=id", "-u", "", "https://h/%2e%2e/a", "https://h:99999/a", "https://[::1/a", "https://h/a/--\x00",
        "https://http://h/a", "javascript:alert(1)", "https://h/" + "a" * 600, "http://127.0.0.1.evil.example/a/b",
        "http://localhost@evil.example/a", "https://hé/a", "ftp://h/a",
    ],
)  # fmt: skip
def test_what_is_no_https_address_of_a_repository_is_refused_with_a_sentence(url):
    with pytest.raises(InvalidRequest) as refused:
        RepositoryAddress.read(url)
    assert str(refused.value).endswith((".", "name."))


@pytest.mark.parametrize(
    ("url", "plain", "branch", "commit"),
    [
        ("https://GitHub.com/Ann/Name.git", "https://github.com/Ann/Name.git", None, None),
        ("https://github.com/a/b/", "https://github.com/a/b", None, None),
        ("https://github.com/a/b/tree/fix/it", "https://github.com/a/b", "fix/it", None),
        ("https://github.com/a/b/commit/abcdef1", "https://github.com/a/b", None, "abcdef1"),
        ("https://gitlab.com/a/b/-/tree/main", "https://gitlab.com/a/b", "main", None),
        ("http://127.0.0.1:7/a", "http://127.0.0.1:7/a", None, None),
        ("http://[::1]:7/a", "http://[::1]:7/a", None, None),
        ("http://localhost/a", "http://localhost/a", None, None),
    ],
)
def test_addresses_of_pages_name_the_repository_and_its_state(url, plain, branch, commit):
    read = RepositoryAddress.read(url)
    assert (read.url, read.branch, read.commit) == (plain, branch, commit)


def test_all_spellings_of_one_address_have_one_key():
    spellings = (
        "https://github.com/a/b",
        "https://GITHUB.com/A/b.git",
        "http://www.github.com/a/b/",
        "github.com/a/B.git/",
    )
    assert {key_of(each) for each in spellings} == {"github.com/a/b"}


@given(st.text(max_size=60))
def test_an_address_that_is_taken_is_a_plain_one_however_it_was_made(text):
    for url in (text, f"https://github.com/{text}", f"https://{text}/a"):
        try:
            read = RepositoryAddress.read(url)
        except InvalidRequest:
            continue
        assert read.url.startswith("https://") and not set(read.url) & set("\n\r\t @\\;&|`$\"'")
        assert ".." not in read.url.split("/")
        assert RepositoryAddress.read(read.url).url == read.url


@given(st.text(alphabet="ab/.-_~^:@{}[ \\\x00é*?\n", max_size=12))
def test_every_branch_that_is_taken_is_one_for_git_and_no_option(name):
    try:
        check_branch(name)
    except InvalidRequest:
        return
    if not name:
        return
    assert not name.startswith("-")
    done = subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True, check=False)
    assert done.returncode == 0, name


@given(
    st.text(max_size=30)
    | st.sampled_from(["..", ".", "con", "NUL.txt", "a.", ".git", "a/b", "-x", "aux.py", ""])
)
def test_a_name_that_is_taken_is_one_part_of_a_path(tmp_path_factory, name):
    if is_folder_name(name):
        home = tmp_path_factory.getbasetemp()
        assert (home / name).parent == home and name not in (".", "..") and not name.startswith((".", "-"))
        assert (home / name).resolve().is_relative_to(home.resolve())


@pytest.mark.parametrize(
    "commit", ["--help", "HEAD", "abc", "z" * 40, "a" * 65, "abcdef1; id", "abcdef1^{tree}"]
)
def test_what_is_no_commit_is_refused(commit):
    with pytest.raises(InvalidRequest, match="no commit"):
        RepositoryAddress.read("https://h/a", commit=commit)


def test_a_host_is_read_once():
    assert read_url("https://github.com:443/a/b").netloc == "github.com:443"
