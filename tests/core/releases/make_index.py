"""Make the archive of this format that holds a written search index, and a raw one of damaged data, as `make` does.

`python -m tests.core.releases.make_index` replaces none: what is here stays for ever.
"""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from backup_core import BackupEngine, archive
from backup_core.manifest import FORMAT
from backup_core.sample import SCHEMA
from tests.clinic import Clinic
from tests.fakeclock import FakeClock
from tests.laws.store import make

from .make import WHEN, keep

SETTINGS = {"doctor": {"name": "Dr. Zoë Sample"}, "preferences": {"backup_frequency_hours": 4}}


def main() -> None:
    """Make what is not there yet, from an invented clinic."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        clinic = Clinic(folder / "data")
        clinic.data_dir.mkdir()
        for statement in SCHEMA.split(";"):
            clinic.sql(statement)
        clinic.sql("INSERT INTO patients (uhid, name) VALUES ('S-000001', 'Asha Ångström'), ('S-000002', 'Bela')")
        clinic.sql("INSERT INTO visits (patient_id) VALUES (1), (1), (2), (2)")
        make(clinic.chroma)
        (clinic.prescriptions / "été 2026").mkdir(parents=True)
        (clinic.prescriptions / "été 2026" / "Zoë 处方.pdf").write_bytes(b"%PDF-1.7 sample")
        (clinic.data_dir / "settings.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        engine = BackupEngine(clinic.data_dir, clock=FakeClock(WHEN))
        made = engine.create()
        keep(_of_nobody(made.path, folder / "index"), f"format-{FORMAT}-index.zip")
        clinic.db.write_bytes(clinic.db.read_bytes()[:1000] + b"\xff" * 3000)
        safety = engine.restore(made).safety
        assert safety is not None
        keep(_of_nobody(engine.find(safety).path, folder / "raw"), f"format-{FORMAT}-raw.zip")


def _of_nobody(path: Path, folder: Path) -> Path:
    """Return the same archive without the name of this PC."""
    manifest = archive.extract(path, folder / "unpacked")
    archive.pack(
        folder / "unpacked", folder / "made.zip", lambda _: replace(manifest, host="CLINIC-PC", origin="0" * 32)
    )
    return folder / "made.zip"


if __name__ == "__main__":
    main()
