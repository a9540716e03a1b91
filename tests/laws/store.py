"""A vector store of Chroma's own, of a few small vectors with an index on the disk: made once, in a process of its own.

`python -m tests.laws.store FOLDER` is that process.
"""

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

#: Vectors in it; the last ones are in the log still, and not in the index.
ENTRIES = 24
_INDEX = {"hnsw:space": "l2", "hnsw:batch_size": 5, "hnsw:sync_threshold": 10}


@functools.cache
def tiny_store() -> Path:
    """Return the folder of the store that all others are copies of; nobody changes it."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "tests.laws.store", str(folder / "chroma")], check=True)
    return folder / "chroma"


def make(folder: Path) -> None:
    """Make the store, as the EMR does: it deletes and adds again, and never updates."""
    # Costs a second and 100 MB, which only the process pays that makes it.
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection("records", metadata=_INDEX, embedding_function=None)
    for number in (0, *range(ENTRIES)):
        collection.delete(ids=[f"patient_{number}"])
        vectors: list[Sequence[float] | Sequence[int]] = [[float(number), float(number % 5), 1.0]]
        collection.add(ids=[f"patient_{number}"], embeddings=vectors, documents=[f"Sample {number}"])


if __name__ == "__main__":
    make(Path(sys.argv[1]))
