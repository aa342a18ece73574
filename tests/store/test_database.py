import sqlite3
import threading

import pytest

from webui.core.errors import StorageError
from webui.store.database import IN_MEMORY, MIGRATIONS, Database


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "data" / "webui.db")
    yield database
    database.close()


def counted(database):
    return database.rows("SELECT count(*) FROM headers")[0][0]


def add(connection, path):
    connection.execute("INSERT INTO headers (path, size, mtime_ns) VALUES (?, 1, 1)", (path,))


def test_migrations_run_once_and_are_recorded_by_name(tmp_path, database):
    with database.writing() as connection:
        add(connection, "a")
    database.close()
    again = Database(tmp_path / "data" / "webui.db")
    assert {row["name"] for row in again.rows("SELECT name FROM migrations")} == {
        migration.__name__ for migration in MIGRATIONS
    }
    assert counted(again) == 1
    again.close()


def test_a_file_of_a_newer_version_can_be_used(tmp_path, database):
    with database.writing() as connection:
        connection.execute("INSERT INTO migrations VALUES ('from_the_future')")
    database.close()
    again = Database(tmp_path / "data" / "webui.db")
    with again.writing() as connection:
        add(connection, "a")
    assert counted(again) == 1
    again.close()


def test_a_failed_block_leaves_nothing(database):
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        add(connection, "a")
        raise ZeroDivisionError
    assert counted(database) == 0
    with database.writing() as connection:
        add(connection, "b")
    assert counted(database) == 1


def test_it_writes_ahead(database):
    assert database.rows("PRAGMA journal_mode")[0][0] == "wal"


def test_threads_write_one_after_another(database):
    def work(name):
        for number in range(25):
            with database.writing() as connection:
                add(connection, f"{name}{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(database) == 100


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_file_is_kept_aside_and_a_new_one_made(tmp_path, content):
    path = tmp_path / "webui.db"
    path.write_bytes(content)
    database = Database(path)
    assert "kept as webui.db.broken-1" in database.messages[0]
    assert counted(database) == 0
    assert (tmp_path / "webui.db.broken-1").read_bytes() == content
    database.close()


def test_a_folder_that_cannot_hold_it_is_a_sentence(tmp_path):
    (tmp_path / "webui.db").mkdir()
    with pytest.raises(StorageError, match="Cannot use the database"):
        Database(tmp_path / "webui.db")


def test_a_full_disk_is_a_sentence_and_the_database_goes_on(database):
    with database.writing() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    database.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"), database.writing() as connection:
        for number in range(5000):
            add(connection, f"{number}" * 20)
    database.rows("PRAGMA max_page_count = 1000000")
    assert counted(database) == 0
    with database.writing() as connection:
        add(connection, "a")
    assert counted(database) == 1


def test_a_test_can_have_one_in_memory():
    database = Database(IN_MEMORY)
    assert counted(database) == 0
    database.close()
    with pytest.raises(sqlite3.ProgrammingError):
        counted(database)
