"""The last infotext of each owner."""

from webui.store import last_infotexts
from webui.store.database import IN_MEMORY, Database
from webui.store.last_infotexts import LastInfotexts


def test_nobody_gets_what_another_made():
    last = LastInfotexts(Database(IN_MEMORY))
    last.remember("browser:one", "a secret fox 狐\r\nSteps: 1")
    last.remember("user:two", "a hill")
    last.remember("user:two", "a valley \udc80")
    assert last.of("browser:one") == "a secret fox 狐\r\nSteps: 1"
    assert last.of("user:two") == "a valley ?"
    assert last.of("browser:two") is None
    assert last.of("") is None


def test_an_owners_name_cannot_be_read_from_the_table():
    database = Database(IN_MEMORY)
    LastInfotexts(database).remember("browser:secret", "a hill")
    rows = database.rows("SELECT * FROM last_infotexts")
    assert "secret" not in str([tuple(row) for row in rows])


def test_the_oldest_owners_are_forgotten(monkeypatch):
    monkeypatch.setattr(last_infotexts, "MOST_OWNERS", 3)
    last = LastInfotexts(Database(IN_MEMORY))
    for number in range(5):
        last.remember(f"browser:{number}", str(number))
    assert [last.of(f"browser:{number}") for number in range(5)] == [None, None, "2", "3", "4"]
