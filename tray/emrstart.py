"""The start of the EMR's command, in its own folder and apart from us: it outlives the launcher."""

import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

from backup_core.errors import BackupError
from backup_core.text import _

from .emrpaths import folder_of

logger = logging.getLogger(__name__)


class EmrNotStarted(BackupError):
    """The EMR's command could not be run."""

    code = "emr-not-started"


def run(command: str, folder: str, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a command as the user wrote it in `folder`, "" is the program's own, with `environment` beside ours.

    Raise EmrNotStarted if it cannot be run.
    """
    home = folder or folder_of(command)
    logger.info("starting the EMR in %s", home)
    try:
        # Its output goes nowhere: an EMR that outlives us must not die because our terminal is gone. In a session
        # of its own it does not get the Ctrl-C or the hang-up that is meant for us.
        return subprocess.Popen(
            command if sys.platform == "win32" else shlex.split(command),
            cwd=home,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except (OSError, ValueError, IndexError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise EmrNotStarted(
            _("DocAssist could not be started (%(detail)s).", detail=detail),
            hint=_("Check its command and its folder in the preferences."),
            command=command,
        ) from error
