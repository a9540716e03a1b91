"""What the EMR's own backup code does to a backup folder: it locks nothing, and writes a ZIP where it will stay."""

import json
import shutil
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any


def create_backup(data_dir: Path, backup_dir: Path, when: datetime, **more: object) -> Path:
    """Make a ZIP as the EMR does, `more` being keys of a later version, and return its path."""
    path = backup_dir / f"backup_{when.strftime('%Y-%m-%d_%H-%M-%S')}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(data_dir / "clinic.db", "clinic.db")
        for file in (data_dir / "chroma").rglob("*"):
            archive.write(file, file.relative_to(data_dir))
        manifest = {
            "created_at": when.isoformat(),
            "version": "1.0",
            "patient_count": 60,
            "visit_count": 120,
            "app_version": "1.2.0",
            **more,
        }
        archive.writestr("backup_manifest.json", json.dumps(manifest, indent=2))
    return path


def list_backups(backup_dir: Path) -> list[dict[str, Any]]:
    """Return the backups as the EMR lists them, newest first."""
    found = []
    for path in backup_dir.glob("backup_*.zip"):
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("backup_manifest.json"))
        found.append(
            {
                "path": path,
                "created_at": datetime.fromisoformat(manifest["created_at"]),
                "patient_count": manifest["patient_count"],
                "visit_count": manifest["visit_count"],
                "app_version": manifest.get("app_version", "unknown"),
                "version": manifest["version"],
            }
        )
    return sorted(found, key=lambda backup: backup["created_at"], reverse=True)


def restore_backup(path: Path, data_dir: Path) -> None:
    """Put the stores of a ZIP in place as the EMR does, side files or not."""
    work = data_dir / "backups" / "restore_temp_1"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(work)
    shutil.copy2(work / "clinic.db", data_dir / "clinic.db")
    shutil.rmtree(data_dir / "chroma", ignore_errors=True)
    shutil.copytree(work / "chroma", data_dir / "chroma")
    shutil.rmtree(work)


def cleanup_old_backups(backup_dir: Path, keep: int = 10) -> None:
    """Delete all but the newest `keep` ZIPs by their names, whoever made them."""
    for path in sorted(backup_dir.glob("backup_*.zip"), reverse=True)[keep:]:
        path.unlink()
