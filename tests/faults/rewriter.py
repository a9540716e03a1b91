"""A program that adds so many vectors at once that Chroma rewrites its index files."""

import sys
from pathlib import Path
from typing import Any

import chromadb
from chromadb.config import Settings

from backup_core.sample import SUMMARIES, embedding


def main() -> None:
    """Add sixty to the patients' summaries."""
    settings = Settings(anonymized_telemetry=False)
    client: Any = chromadb.PersistentClient(path=str(Path(sys.argv[1]) / "chroma"), settings=settings)
    ids = [f"added_{number}" for number in range(60)]
    collection = client.get_collection(SUMMARIES, embedding_function=None)
    collection.add(ids=ids, documents=ids, embeddings=[embedding(name) for name in ids])


if __name__ == "__main__":
    main()
