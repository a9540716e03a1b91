"""Make the archive of a format, to be kept beside this script for ever: `python -m tests.core.releases.make`.

Run it once when a format is added, and never for a format whose archive is here already: what matters is that the one
which was made then can be restored now. It refuses to replace one.
"""

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from backup_core import BackupEngine, archive
from backup_core.manifest import FORMAT
from backup_core.sample import SampleClinic
from tests.core.oldemr import create_backup
from tests.fakeclock import FakeClock

HERE = Path(__file__).parent
WHEN = datetime(2026, 1, 31, 17, 0, tzinfo=UTC)
PATIENTS = 2


def main() -> None:
    """Make what is not there yet, from an invented clinic."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        clinic = SampleClinic(data)
        clinic.create(PATIENTS)
        clinic.write_settings()
        # Its vectors are in the queue still: the index has none, but room for a hundred, which is all zeros.
        for index in clinic.chroma.glob("*/"):
            shutil.rmtree(index)
        (data / "prescriptions").mkdir()
        (data / "prescriptions" / "Zoë.pdf").write_bytes(b"%PDF-1.7 sample")
        keep(_ours(data, Path(folder)), f"format-{FORMAT}-sealed.zip")
        local = FakeClock(WHEN).local()
        counts = {"patient_count": PATIENTS, "visit_count": 2 * PATIENTS}
        keep(create_backup(data, Path(folder), local, **counts), "docassist-1.0.zip")
        keep(create_backup(data, Path(folder), local, **counts, version="2.0", encrypted=False), "docassist-2.0.zip")


def _ours(data: Path, folder: Path) -> Path:
    made = BackupEngine(data, clock=FakeClock(WHEN)).create()
    manifest = archive.extract(made.path, folder / "unpacked")
    archive.pack(
        folder / "unpacked", folder / "ours.zip", lambda _: replace(manifest, host="CLINIC-PC", origin="0" * 32)
    )
    return folder / "ours.zip"


def keep(made: Path, name: str) -> None:
    if not (HERE / name).exists():
        shutil.copyfile(made, HERE / name)


if __name__ == "__main__":
    main()
