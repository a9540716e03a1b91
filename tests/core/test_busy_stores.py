"""Stores that are busy, torn or of another kind while a snapshot is taken."""

import itertools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from backup_core import chroma as chroma_files
from backup_core import freeze, instant, livedb, snapshot
from backup_core.chroma import torn_indexes
from backup_core.contents import read_contents
from backup_core.errors import SnapshotFailed, SourceDamaged
from backup_core.files import private_folder
from backup_core.livedb import DeadlinePassed, LiveDatabase
from backup_core.mirror import Mirror
from backup_core.sources import find_sources
from tests.clinic import PATIENTS, Clinic

STRIDE = 1676


@contextmanager
def locked_for(database: Path, seconds: float) -> Iterator[None]:
    """Let another thread, as a writer of the EMR, have a database to itself for a while."""
    has_it = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            has_it.set()
            done.wait(seconds)
            connection.execute("ROLLBACK")

    done = threading.Event()
    writer = threading.Thread(target=write)
    writer.start()
    has_it.wait(30)
    try:
        yield
    finally:
        done.set()
        writer.join()


@pytest.mark.parametrize("name", ["clinic.db", "chroma/chroma.sqlite3"])
def test_a_store_that_a_writer_has_to_itself_is_waited_for(clinic: Clinic, tmp_path: Path, name: str) -> None:
    with locked_for(clinic.data_dir / name, 0.4):
        taken = snapshot.take(find_sources(clinic.data_dir), tmp_path / "taken")

    assert taken.contents.patient_count == PATIENTS
    assert taken.contents.counts["chroma:patient_documents"] == PATIENTS


def test_while_one_store_is_waited_for_the_other_is_not_held(clinic: Clinic) -> None:
    paths = [clinic.db, clinic.chroma / "chroma.sqlite3"]
    with LiveDatabase(paths[0]) as one, LiveDatabase(paths[1]) as other, locked_for(paths[1], 0.6):
        wrote = []

        def write() -> None:
            with closing(sqlite3.connect(paths[0], timeout=5)) as emr:
                for number in range(20):
                    emr.execute("UPDATE patients SET age = ?", (number,))
                    emr.commit()
                    wrote.append(number)

        writer = threading.Thread(target=write)
        writer.start()
        with freeze.frozen([one, other]):
            pass
        writer.join()

    assert len(wrote) == 20


def test_stores_that_cannot_be_had_together_are_let_go_and_said_so(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze, "_LOCK_PATIENCE", 0.3)
    paths = [clinic.db, clinic.chroma / "chroma.sqlite3"]
    with LiveDatabase(paths[0]) as one, LiveDatabase(paths[1]) as other, locked_for(paths[1], 30):
        with (
            pytest.raises(SnapshotFailed, match="kept the data locked for too long") as raised,
            freeze.frozen([one, other]),
        ):
            pass
        clinic.admit("Not held up")

    assert raised.value.hint
    assert clinic.names()[-1] == "Not held up"


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_writers_wait_while_the_stores_are_frozen_and_not_longer(clinic: Clinic, mode: str) -> None:
    clinic.sql(f"PRAGMA journal_mode = {mode}")
    chroma = LiveDatabase(clinic.chroma / "chroma.sqlite3")
    with LiveDatabase(clinic.db) as database, chroma, freeze.frozen([database, chroma]):
        with closing(sqlite3.connect(clinic.db, timeout=0.05)) as emr:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                emr.execute("UPDATE patients SET age = 1")
                emr.commit()
            emr.rollback()
            # The snapshot is taken from the frozen instant even if writers of a write-ahead log go on.
            database.let_writers_go()
            if mode == "WAL":
                emr.execute("UPDATE patients SET age = 1")
                emr.commit()
    clinic.admit("Afterwards")


def test_in_write_ahead_mode_nobody_waits_for_the_store_that_is_read_last(clinic: Clinic, tmp_path: Path) -> None:
    clinic.sql("PRAGMA journal_mode = WAL")
    chroma = LiveDatabase(clinic.chroma / "chroma.sqlite3")
    with LiveDatabase(clinic.db) as database, chroma, freeze.frozen([chroma, database], only_read=database):
        with closing(sqlite3.connect(clinic.db, timeout=0, isolation_level=None)) as emr:
            emr.execute("BEGIN")
            emr.execute("SELECT count(*) FROM patients").fetchone()
            emr.execute("UPDATE patients SET name = 'written meanwhile'")
            emr.execute("COMMIT")
        database.copy(tmp_path / "clinic.db", None)

    assert "written meanwhile" in clinic.names()
    assert "written meanwhile" not in Clinic(tmp_path).names()


def test_a_copy_that_takes_too_long_lets_the_writers_go(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(instant, "_FREEZE_LIMITS", (0.0, 0.0))
    monkeypatch.setattr(instant, "_PAUSE_BETWEEN_ATTEMPTS", 0.01)

    with pytest.raises(SnapshotFailed, match="locked for too long"):
        snapshot.take(find_sources(clinic.data_dir), tmp_path / "taken")

    assert caplog.text.count("let the writers go") == 2
    clinic.admit("Not held up")


def test_a_torn_index_in_the_live_store_is_copied_as_it_is_and_noted(
    clinic: Clinic, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = next(clinic.chroma.glob("*/data_level0.bin"))
    os.truncate(index, STRIDE * 3)

    snapshot.take(find_sources(clinic.data_dir), tmp_path / "taken")

    assert f"{index.parent.name} do not fit together" in caplog.text
    assert Clinic(tmp_path / "taken").plain_files() == clinic.plain_files()


def test_an_index_that_is_whole_again_after_a_moment_is_copied_whole(clinic: Clinic, tmp_path: Path) -> None:
    index = next(clinic.chroma.glob("*/data_level0.bin"))
    whole = index.read_bytes()
    os.truncate(index, STRIDE * 3)
    finish = threading.Timer(0.1, index.write_bytes, [whole])
    finish.start()

    snapshot.take(find_sources(clinic.data_dir), tmp_path / "taken")
    finish.join()

    assert (tmp_path / "taken" / index.relative_to(clinic.data_dir)).read_bytes() == whole


def test_a_header_that_is_none_is_a_torn_index(clinic: Clinic, tmp_path: Path) -> None:
    header = next(clinic.chroma.glob("*/header.bin"))
    header.write_bytes(b"short")

    assert torn_indexes(clinic.chroma) == [header.parent.name]
    (header.parent / "length.bin").unlink()
    assert torn_indexes(clinic.chroma) == [header.parent.name]


def test_a_vector_store_of_another_version_is_copied_and_not_counted(clinic: Clinic, tmp_path: Path) -> None:
    with closing(sqlite3.connect(clinic.chroma / "chroma.sqlite3")) as database, database:
        database.execute("DROP TABLE embeddings")

    taken = snapshot.take(find_sources(clinic.data_dir), tmp_path / "taken")

    assert [name for name in taken.contents.counts if name.startswith("chroma:")] == []
    assert read_contents(tmp_path / "nothing there").counts == {}


def test_a_database_that_another_part_of_the_emr_keeps_damaged_is_named(clinic: Clinic, tmp_path: Path) -> None:
    (clinic.data_dir / "letters.db").write_bytes(clinic.db.read_bytes()[:5000])

    with pytest.raises(SourceDamaged, match=r"letters\.db is damaged"):
        snapshot.take(find_sources(clinic.data_dir, ["letters.db"]), tmp_path / "taken")


def test_a_copy_of_damaged_data_takes_every_byte_and_asks_no_database(clinic: Clinic, tmp_path: Path) -> None:
    for name in ("clinic.db-wal", "clinic.db-journal", "chroma/chroma.sqlite3-wal"):
        (clinic.data_dir / name).write_bytes(name.encode())
    clinic.db.write_bytes(b"damaged")
    (clinic.prescriptions / "nowhere").symlink_to("/nowhere/at/all")

    taken = snapshot.copy_raw(find_sources(clinic.data_dir, ["letters"]), tmp_path / "taken")

    assert Clinic(tmp_path / "taken").files() == clinic.files()
    assert (taken.is_raw, taken.sources["letters"]) == (True, False)
    assert snapshot.examine(taken).contents.patient_count == 0


def test_a_mirror_follows_files_that_change_come_and_go(tmp_path: Path) -> None:
    live, mirror = tmp_path / "live", Mirror(private_folder(tmp_path / "copy"))
    live.mkdir()
    files = {f"chroma/{name}": live / name for name in "abc"}
    for path in files.values():
        path.write_text("first")
        os.utime(path, (1, 1))
    for name, path in files.items():
        mirror.copy(name, path)
    assert not mirror.refresh("chroma/", files)

    files["chroma/a"].write_text("second")
    files["chroma/b"].unlink()
    assert mirror.refresh("chroma/", files)
    del files["chroma/c"]
    assert mirror.refresh("chroma/", files)

    assert {path.name: path.read_text() for path in (tmp_path / "copy" / "chroma").iterdir()} == {"a": "second"}


def test_copies_that_have_gone_are_not_taken_for_files_that_have(tmp_path: Path) -> None:
    live, mirror = tmp_path / "letter.txt", Mirror(private_folder(tmp_path / "copy"))
    live.write_text("here")
    mirror.folder.rmdir()

    with pytest.raises(FileNotFoundError):
        mirror.copy("letter.txt", live)
    assert not mirror.folder.exists()


def test_copying_a_file_that_changes_all_the_time_ends_with_the_patience_of_who_waits(tmp_path: Path) -> None:
    live, mirror = tmp_path / "data_level0.bin", Mirror(private_folder(tmp_path / "copy"))
    live.write_bytes(bytes(5 << 20))
    pieces = itertools.count(1)

    def watch() -> None:
        live.write_bytes(os.urandom(1 << 20) * 5)
        if next(pieces) == 3:
            raise DeadlinePassed

    with pytest.raises(DeadlinePassed):
        mirror.refresh("", {"index": live}, watch)
    assert "index" not in mirror
    # Before anybody waits it is tried again until it is of one piece.
    mirror.copy_all({"index": live})
    assert (tmp_path / "copy" / "index").read_bytes() == live.read_bytes()


def test_in_write_ahead_mode_the_writers_of_the_vectors_are_held_also_where_there_is_nothing_else(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = clinic.chroma / "chroma.sqlite3"
    with closing(sqlite3.connect(store)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    clinic.db.unlink()
    refused = []

    def try_to_write(store: Path) -> list[str]:
        with closing(sqlite3.connect(clinic.chroma / "chroma.sqlite3", timeout=0, isolation_level=None)) as emr:
            try:
                emr.execute("BEGIN IMMEDIATE")
                refused.append("written")
            except sqlite3.OperationalError as error:
                refused.append(str(error))
        return []

    monkeypatch.setattr(chroma_files, "torn_indexes", try_to_write)
    snapshot.take([one for one in find_sources(clinic.data_dir) if one.name == "chroma"], tmp_path / "taken")

    assert set(refused) == {"database is locked"}


def test_a_database_too_large_to_be_copied_while_writers_wait_is_copied_while_nobody_writes(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def takes_too_long(*_arguments: object) -> None:
        raise DeadlinePassed

    monkeypatch.setattr(LiveDatabase, "copy", takes_too_long)
    monkeypatch.setattr(instant, "_PAUSE_BETWEEN_ATTEMPTS", 0.01)

    taken = snapshot.take(find_sources(clinic.data_dir), tmp_path / "quiet")

    assert taken.contents.patient_count == PATIENTS
    monkeypatch.setattr(instant, "_copy_beforehand", written_after(clinic))
    with pytest.raises(SnapshotFailed, match="locked for too long"):
        snapshot.take(find_sources(clinic.data_dir), tmp_path / "busy")


def written_after(clinic: Clinic) -> Callable[..., None]:
    """Return the copying beforehand, with a patient admitted when it has ended."""
    copy_beforehand, numbers = instant._copy_beforehand, itertools.count()

    def copy_and_admit(live: Mapping[str, LiveDatabase], folder: Path, *on_copied: Callable[[str], object]) -> None:
        copy_beforehand(live, folder, *on_copied)
        clinic.admit(f"In between {next(numbers)}")

    return copy_and_admit


def test_writers_are_not_held_for_a_copy_that_is_known_to_take_too_long(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_arguments: object) -> None:
        pytest.fail("the writers were held for it")

    def as_if_it_took_a_minute(live: Mapping[str, LiveDatabase], folder: Path, *_on_copied: object) -> None:
        slowed(live, folder)
        for database in live.values():
            database.expected = 60.0

    slowed = written_after(clinic)
    monkeypatch.setattr(LiveDatabase, "copy", never)
    monkeypatch.setattr(instant, "_PAUSE_BETWEEN_ATTEMPTS", 0.01)
    monkeypatch.setattr(instant, "_copy_beforehand", as_if_it_took_a_minute)
    with pytest.raises(SnapshotFailed, match="locked for too long"):
        snapshot.take(find_sources(clinic.data_dir), tmp_path / "taken")


def test_what_is_written_between_the_first_copy_and_the_freeze_is_in_the_snapshot(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instant, "_copy_beforehand", written_after(clinic))

    taken = snapshot.take(find_sources(clinic.data_dir), tmp_path / "taken")

    assert taken.contents.patient_count == PATIENTS + 1


@pytest.mark.parametrize("seconds", [0.0, 60.0], ids=["quick", "long"])
def test_a_copy_that_writers_let_begin_anew_is_given_up_and_made_while_they_wait(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """One that would be quick under the freeze at once, one that takes long after some more tries."""
    monkeypatch.setattr(livedb, "_SMALL_STEP", 1)
    monkeypatch.setattr(livedb, "_QUICK", 30.0 - seconds)
    steps = itertools.count()
    with LiveDatabase(clinic.db) as database:
        database.copy_beforehand(tmp_path / "whole.db")
        database.freeze(5)
        assert database.is_as_copied()
        database.thaw()
        copy = database._copy

        def copy_beside_a_writer(target: Path, step: int, watch: Callable[[int, int, int], None]) -> None:
            def admit_and_watch(status: int, remaining: int, total: int) -> None:
                watch(status, remaining, total)
                clinic.admit(f"In step {next(steps)}")

            copy(target, step, admit_and_watch)

        monkeypatch.setattr(database, "_copy", copy_beside_a_writer)
        database.copy_beforehand(tmp_path / "part.db")
        monkeypatch.setattr(database, "_copy", copy)
        database.freeze(5)
        assert not database.is_as_copied()
        database.copy(tmp_path / "frozen.db", None)
    written = next(steps)
    assert written == (1 if seconds == 0 else 1 + livedb._MOST_RESTARTS)
    (tmp_path / "frozen.db").rename(tmp_path / "clinic.db")
    assert read_contents(tmp_path).patient_count == PATIENTS + written
