"""The engine: consistent snapshots, verified archives, restores that can be undone. It knows no page and no tray."""

from .engine import BackupEngine as BackupEngine
from .errors import BackupError as BackupError
from .service import BackupService as BackupService
