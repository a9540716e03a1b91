"""The page in each archive that says how to restore it by hand, without us, in ten years. Pure."""

NAME = "OPEN-ME.txt"

#: The same in every archive, so that equal contents stay equal.
TEXT = """\
This is a backup of a clinic's DocAssist records, made by DocAssist Backup.

Its list of contents, with sizes and checksums, is backup_manifest.json.

To restore it by hand:
 1. Close DocAssist and DocAssist Backup.
 2. Copy DocAssist's whole data folder to a safe place.
 3. In the data folder, remove clinic.db-wal, clinic.db-shm and clinic.db-journal if they are there.
    (Left beside a restored clinic.db, they would undo the restore without a word.)
 4. In the data folder, remove the folder chroma.
 5. Copy clinic.db, the folder chroma, and the folder prescriptions if there is one,
    from here into the data folder.
 6. Start DocAssist.

clinic.db is an SQLite 3 database; chroma holds the search index and can be made anew by DocAssist.
"""
