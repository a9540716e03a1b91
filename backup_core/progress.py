"""How far an operation is, as facts: the page and the command line make the words."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The steps of an operation, in the order in which they can come."""

    CLOSE_EMR = "close-emr"
    CHECK = "check"
    SNAPSHOT = "snapshot"
    PACK = "pack"
    VERIFY = "verify"
    EXTRACT = "extract"
    SAFETY = "safety"
    SWAP = "swap"
    COPY = "copy"
    MOVE = "move"
    PRUNE = "prune"
    PROVE = "prove"
    START_EMR = "start-emr"
    #: Its `done` and `total` are steps, not bytes.
    SELF_TEST = "self-test"


@dataclass(frozen=True)
class Progress:
    """One report: `done` of `total` bytes of this stage; `total` is 0 where it is not known."""

    stage: Stage
    done: int = 0
    total: int = 0


OnProgress = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Take a report and do nothing: the default where nobody watches."""
