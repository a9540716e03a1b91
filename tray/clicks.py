"""What a click in the menu sets going."""

import logging
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from backup_core.errors import BackupError, Busy

from .hands import Hands
from .look import Choice
from .news import Cause, News

logger = logging.getLogger(__name__)


class Clicks:
    """Carries out the choices of one launcher's user, one after another; none takes long."""

    def __init__(self, hands: Hands, news: News) -> None:
        self._hands = hands
        self._news = news

    def do(self, choice: Choice) -> None:
        """Do what was chosen; what cannot be done now is told."""
        hands = self._hands
        actions: Mapping[Choice, Callable[[], object]] = {
            Choice.OPEN_PAGE: hands.open_page,
            Choice.BACK_UP: hands.desk.back_up_now,
            Choice.RESTORE: lambda: hands.open_page(self._where_to_restore()),
            # The page says what going back would do, and asks.
            Choice.UNDO: lambda: hands.open_page("/undo"),
            Choice.COPY: lambda: hands.open_page("/copies"),
            Choice.START_EMR: hands.desk.start_emr,
            Choice.CLOSE_EMR: hands.desk.close_emr,
            Choice.PAUSE_HOUR: lambda: hands.desk.pause("hour"),
            Choice.PAUSE_DAY: lambda: hands.desk.pause("tomorrow"),
            Choice.RESUME: hands.desk.resume,
            Choice.OPEN_FOLDER: lambda: _open_folder(hands.engine.backup_dir),
            Choice.AT_LOGIN: self._switch_start_at_login,
            Choice.QUIT: hands.quit,
        }
        try:
            actions[choice]()
        except Busy:
            logger.info("%s was chosen twice, or while something else began", choice)
        except BackupError as error:
            self._news.tell(Cause.CLICK, f"{error} {error.hint}".strip())

    def _where_to_restore(self) -> str:
        newest = self._hands.sight.view(self._hands.engine).newest
        return f"/backups/{quote(newest.name)}/restore" if newest else "/"

    def _switch_start_at_login(self) -> None:
        self._hands.desk.start_at_login(on=not self._hands.desk.starts_at_login())


def _open_folder(folder: Path) -> None:
    if folder.is_dir():
        webbrowser.open(folder.as_uri())
