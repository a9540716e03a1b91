"""A process of its own that opens a copied Chroma store and asks it: damaged index files can crash whoever opens them.

It is told the folder in one line on standard input, and answers on standard output in two, one JSON document each:
that it is ready to open the store, and what that has shown. Until it has said the first, nothing that happens to it
speaks against the store. It ends when standard input does. The store is a copy, for opening one changes its files.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from .gentle import step_back_wholly

#: Names read at a time: Chroma counts from the first one to where it is to begin, which for pages of 1,000 of 100,000
#: took 3.5 s and for these 0.4 s; all at once took 30 MB more.
NAMES_AT_A_TIME = 10_000
#: Vectors read at a time, and asked for in all, spread over each collection.
PAGE = 1_000
SAMPLE = 1_000
#: A vector is found if it is among this many nearest to itself. One that is not is asked for once more among so many
#: that the search looks further: of 100,000 random vectors in a healthy store 5.5 % were not among the five nearest,
#: and 0.1 % not among 300.
NEAREST = 5
WIDER = 500
#: Asked for at a time among so many.
_FEW = 50
#: Two vectors that are nearer than this are the same text twice: then one stands for the other.
_EQUAL = 1e-5


def main() -> int:
    """Answer what the collections hold and how many of the vectors asked for were found; return 0."""
    question = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_asker, daemon=True).start()
    if question["behind"]:
        step_back_wholly()
    # A second and 100 MB: only this process pays them.
    import chromadb
    from chromadb.config import Settings

    if not Path(question["folder"], "chroma.sqlite3").is_file():
        sys.stderr.write("the store is not there any more\n")
        return 1  # Chroma would make an empty one, and its folders: the drive of the data may have gone
    _say({"ready": True})
    client = chromadb.PersistentClient(question["folder"], settings=Settings(anonymized_telemetry=False))
    answers = [_ask(client.get_collection(found.name, embedding_function=None)) for found in client.list_collections()]
    _say({"collections": answers})
    return 0


def _say(document: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _end_with_the_asker() -> None:
    """Wait until nobody is there any more who would hear the answer, and end then, wherever this process is."""
    # Not by sys.stdin: a thread that waits in it would be in the way of an end in good order.
    while os.read(0, 1):
        pass
    os._exit(1)


def _ask(collection: Any) -> dict[str, object]:
    """Return name, count, entries read, vectors asked for, those that found themselves, and unknown ids met."""
    count = collection.count()
    known: set[str] = set()
    sample: list[tuple[str, Any]] = []
    # Rounded up, so that no collection is asked for more than the sample.
    step = max(1, -(-count // SAMPLE))
    for offset in range(0, count, NAMES_AT_A_TIME):
        names = collection.get(limit=NAMES_AT_A_TIME, offset=offset, include=[])["ids"]
        for start in range(0, len(names), PAGE):
            page = collection.get(ids=names[start : start + PAGE], include=["embeddings"])
            pairs = zip(page["ids"], page["embeddings"], strict=True)
            # Each vector is a view of its page, which it would keep in memory: 300 MB for 100,000 of them.
            sample += [
                (name, vector.copy()) for index, (name, vector) in enumerate(pairs, offset + start) if index % step == 0
            ]
            known.update(page["ids"])
    unknown: set[str] = set()
    left = _not_found(collection, sample, NEAREST, PAGE, known, unknown)
    lost = _not_found(collection, left, WIDER, _FEW, known, unknown)
    return {
        "name": collection.name,
        "count": count,
        "read": len(known),
        "asked": len(sample),
        "found": len(sample) - len(lost),
        "unknown": len(unknown),
    }


def _not_found(
    collection: Any, sample: list[tuple[str, Any]], nearest: int, at_a_time: int, known: set[str], unknown: set[str]
) -> list[tuple[str, Any]]:
    """Return those of the sample that are not among the `nearest` to themselves; add ids not `known` to `unknown`."""
    lost = []
    for start in range(0, len(sample), at_a_time):
        some = sample[start : start + at_a_time]
        vectors = [vector for _, vector in some]
        answer = collection.query(query_embeddings=vectors, n_results=nearest, include=["distances"])
        for one, ids, distances in zip(some, answer["ids"], answer["distances"], strict=True):
            unknown.update(name for name in ids if name not in known)
            if one[0] not in ids and min(distances, default=1.0) > _EQUAL:
                lost.append(one)
    return lost


if __name__ == "__main__":
    raise SystemExit(main())
