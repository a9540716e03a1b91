"""A process of its own that opens a copied Chroma store and asks it: damaged index files can crash whoever opens them.

It is told the folder on standard input and answers on standard output, one JSON document each. The store is a copy,
for opening one changes its files.
"""

import json
import sys
from typing import Any

#: Vectors read at a time, and asked for in all, spread over each collection.
PAGE = 1_000
SAMPLE = 1_000
#: A vector is found if it is among this many nearest to itself.
NEAREST = 5


def main() -> int:
    """Answer what the collections hold and how many of the vectors asked for were found; return 0."""
    folder = json.load(sys.stdin)["folder"]
    # A second and 100 MB: only this process pays them.
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False))
    answers = [_ask(client.get_collection(found.name, embedding_function=None)) for found in client.list_collections()]
    json.dump({"collections": answers}, sys.stdout)
    return 0


def _ask(collection: Any) -> dict[str, object]:
    """Return name, count, entries read, vectors asked for, those that found themselves, and unknown ids met."""
    count = collection.count()
    known: set[str] = set()
    sample: list[tuple[str, Any]] = []
    step = max(1, count // SAMPLE)
    for offset in range(0, count, PAGE):
        page = collection.get(limit=PAGE, offset=offset, include=["embeddings"])
        pairs = list(zip(page["ids"], page["embeddings"], strict=True))
        sample += [pair for index, pair in enumerate(pairs, start=offset) if index % step == 0]
        known.update(page["ids"])
    found = unknown = 0
    for start in range(0, len(sample), PAGE):
        some = sample[start : start + PAGE]
        nearest = collection.query(query_embeddings=[vector for _, vector in some], n_results=NEAREST, include=[])
        for (wanted, _), ids in zip(some, nearest["ids"], strict=True):
            found += wanted in ids
            unknown += len(set(ids) - known)
    return {
        "name": collection.name,
        "count": count,
        "read": len(known),
        "asked": len(sample),
        "found": found,
        "unknown": unknown,
    }


if __name__ == "__main__":
    raise SystemExit(main())
