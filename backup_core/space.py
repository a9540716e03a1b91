"""Whether the disks have room for all that an operation is going to write, said in one sum before it begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import RepositoryFull
from .files import CHUNK, free_space, megabytes, total_size
from .sources import Source, side_files
from .text import _

#: Bytes that should be left when all is written.
_SPARE = 16 * CHUNK


@dataclass(frozen=True)
class Need:
    """So many bytes on the disk of `folder`, which need not be there yet."""

    folder: Path
    size: int
    #: What they are for: a message with `%(size)s` in it.
    what: str


def need_room(sentence: str, needs: Sequence[Need]) -> None:
    """Raise RepositoryFull unless every disk has room for all that is needed there, and a little more.

    `sentence` is the message for that, with `%(needed)s`, `%(listed)s` and `%(free)s` in it.
    """
    for folder, here in _by_disk(needs):
        needed, free = sum(need.size for need in here), free_space(folder)
        if free < needed + _SPARE:
            listed = ", ".join(_(need.what, size=megabytes(need.size)) for need in here)
            raise RepositoryFull(
                _(sentence, needed=megabytes(needed), listed=listed, free=megabytes(free)),
                hint=_("Free some space on the disk of %(folder)s, then try again.", folder=folder),
                needed=needed,
                free=free,
            )


def needed_on_disk_of(folder: Path, needs: Sequence[Need]) -> int:
    """Return the bytes that must be free on the disk of `folder` for all that is needed there."""
    disk = _nearest(folder).stat().st_dev
    return sum(need.size for need in needs if _nearest(need.folder).stat().st_dev == disk) + _SPARE


def size_of(sources: Sequence[Source]) -> int:
    """Return the bytes that a copy of the sources takes at most."""
    return sum(total_size(path) for source in sources for path in (source.path, *side_files(source.path)))


def _by_disk(needs: Sequence[Need]) -> Iterator[tuple[Path, list[Need]]]:
    """Yield a folder on each disk, and what is needed there."""
    disks: dict[int, list[Need]] = {}
    for need in needs:
        disks.setdefault(_nearest(need.folder).stat().st_dev, []).append(need)
    for here in disks.values():
        yield here[0].folder, here


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
