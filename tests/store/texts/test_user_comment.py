import pytest

from webui.store.texts.user_comment import decode_user_comment

INFOTEXT = "a fox 狐\nSteps: 20, Seed: 1"


@pytest.mark.parametrize("big_endian_file", [True, False])
@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le", "utf-16"])
def test_an_infotext_is_read_in_both_byte_orders_whatever_the_file_says(encoding, big_endian_file):
    data = b"UNICODE\0" + INFOTEXT.encode(encoding)
    assert decode_user_comment(data, big_endian_file) == INFOTEXT


def test_other_text_is_read_in_the_byte_order_of_the_file():
    assert decode_user_comment(b"UNICODE\0" + "℀狐".encode("utf-16-be"), True) == "℀狐"
    assert decode_user_comment(b"UNICODE\0" + "fox".encode("utf-16-le"), False) == "fox"


def test_big_endian_text_in_a_little_endian_file_is_known_by_its_letters():
    assert decode_user_comment(b"UNICODE\0" + "a red fox".encode("utf-16-be"), False) == "a red fox"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"ASCII\0\0\0a fox\0", "a fox"),
        (b"\0" * 8 + "füchse".encode(), "füchse"),
        (b"JIS\0\0\0\0\0" + "狐".encode("iso2022_jp"), "狐"),
        ("füchse".encode(), "füchse"),
        ("füchse".encode("latin-1"), "füchse"),
        (b"", ""),
        (b"UNICODE\0", ""),
        (b"UNICODE\0\0", "\ufffd"),
    ],
)
def test_every_spelling_met_in_the_wild_is_read(data, expected):
    assert decode_user_comment(data) == expected
