"""The served program for tests of extensions."""

import httpx

from tests.compat.a1111.serving import data_folder, read_log, serve


def test_the_program_is_served_with_a_copy_of_the_extension(tmp_path):
    own = tmp_path / "source" / "nothing-much"
    (own / "scripts").mkdir(parents=True)
    (own / "scripts" / "nothing.py").write_text("")
    with serve([own], tmp_path) as address:
        assert httpx.get(address, timeout=60).status_code == 200
    assert (data_folder(tmp_path) / "extensions" / "nothing-much" / "scripts" / "nothing.py").exists()
    assert "Ready in" in read_log(tmp_path)
