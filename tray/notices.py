"""The sentences that every page shows at its top until what they tell is no longer so."""

import threading
from enum import StrEnum


class Topic(StrEnum):
    """What a notice is about; there is one sentence for each at a time. The order is that on the page."""

    DATA_FOLDER = "data-folder"
    CLAIM = "claim"
    ALARM = "alarm"
    RECOVERY = "recovery"
    RULES = "rules"
    CLOSING = "closing"
    EMR = "emr"
    CLOCK = "clock"
    DRIVES = "drives"
    SETTINGS = "settings"
    ICON = "icon"


class Notices:
    """The present notices; from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._sentences: dict[Topic, str] = {}

    def put(self, topic: Topic, sentence: str) -> bool:
        """Say `sentence` about `topic` from now on, "" for nothing; return whether that is news."""
        with self._guard:
            is_news = sentence != self._sentences.get(topic, "")
            self._sentences[topic] = sentence
        return is_news

    def sentences(self) -> list[str]:
        """Return what there is to say, in the order of the topics."""
        with self._guard:
            return [self._sentences[topic] for topic in Topic if self._sentences.get(topic)]
