"""The page in each archive that says how to restore it by hand, without us, in ten years. Pure.

In English only, and the same in every archive of its kind, so that equal contents stay equal.
"""

NAME = "OPEN-ME.txt"

_ORDINARY = """\
This is a backup of a clinic's DocAssist records, made by DocAssist Backup.

Its list of contents, with sizes and checksums, is backup_manifest.json.

To restore it by hand:
 1. Close DocAssist and DocAssist Backup.
 2. Copy DocAssist's whole data folder to a safe place.
 3. In the data folder, remove clinic.db-wal, clinic.db-shm and clinic.db-journal if they are there.
    (Left beside a restored clinic.db, they would undo the restore without a word.)
 4. In the data folder, remove the folder chroma.
 5. Copy clinic.db and the folder chroma from here into the data folder, and what else is here (prescriptions,
    folders that you added) except this page and backup_manifest.json. Copy settings.json only if there is none.
 6. Start DocAssist.

clinic.db is an SQLite 3 database; chroma holds the search index and can be made anew by DocAssist.
"""

_RAW = """\
This is DocAssist's data as it lay on the disk when DocAssist Backup could not read all of it: damaged, perhaps.
Restore another backup first, and this one only if you miss something in that.
Its list of contents, with sizes and checksums, is backup_manifest.json.

To restore it by hand:
 1. Close DocAssist and DocAssist Backup.
 2. Copy DocAssist's whole data folder to a safe place.
 3. In the data folder, remove clinic.db, clinic.db-wal, clinic.db-shm, clinic.db-journal and the folder chroma.
 4. Copy every file from here whose name begins with clinic.db into the data folder, all of them together.
    (Without the clinic.db-wal or clinic.db-journal that is here, clinic.db would lack its last entries or be torn.)
 5. Copy the folder chroma from here, and what else is here (prescriptions, folders that you added) except this page
    and backup_manifest.json. Copy settings.json only if there is none.
 6. Start DocAssist. If it does not start, somebody who knows SQLite 3 may get most of clinic.db back: sqlite3 .recover
"""


def page(*, is_raw: bool) -> str:
    """Return the page for an archive: one of its own for data that was copied as it lay."""
    return _RAW if is_raw else _ORDINARY
