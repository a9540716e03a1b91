"""What we know of Chroma's files: which of them must be copied under the freeze, and whether they fit together.

Chroma writes a row into its database, applies it to the index in memory, and every `sync_threshold` operations rewrites
the index files in place before it notes in the database how far the index is. Index files that are newer than that note
are harmless, for the log is replayed; older or torn ones are not. Nothing here imports chromadb or opens a store.
"""

import struct
from pathlib import Path

#: version, offset, capacity, elements, bytes per element, label offset, data offset, highest level, entry point, maxM,
#: maxM0, M, mult, efConstruction: as the index library writes it, little-endian and unpadded.
_HEADER = struct.Struct("<I6QIi3QdQ")
_HEADER_NAME = "header.bin"
_BYTES_PER_LENGTH = 4


def index_folders(store: Path) -> list[Path]:
    """Return the folders of a copied store that hold an index."""
    found = store.iterdir() if store.is_dir() else ()
    return sorted(folder for folder in found if (folder / _HEADER_NAME).is_file())


def is_whole(index: Path) -> bool:
    """Return whether the files of one index fit its header: a half-written set does not.

    `index` is a copy: a file that is missing or shorter than its header says makes the answer False.
    """
    header = index / _HEADER_NAME
    try:
        fields = _HEADER.unpack(header.read_bytes())
        capacity, elements, stride = int(fields[2]), int(fields[3]), int(fields[4])
        vectors = (index / "data_level0.bin").stat().st_size
        lengths = (index / "length.bin").stat().st_size
    except (struct.error, FileNotFoundError):
        return False
    # A young index is written with the room that it was given, an older one with the elements that it has.
    written, rest = divmod(lengths, _BYTES_PER_LENGTH)
    return elements <= written <= max(capacity, elements) and vectors == written * stride and rest == 0


def torn_indexes(store: Path) -> list[str]:
    """Return the names of the indexes of a copied store whose files do not fit together."""
    return [index.name for index in index_folders(store) if not is_whole(index)]
