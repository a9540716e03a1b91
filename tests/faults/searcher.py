"""A program that opens restored vector stores, one a line of its standard input, and tells what they answer, as JSON.

A damaged index can crash whoever opens it: so this is a process of its own, and its end is an answer too.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: Vectors asked for in each collection.
SAMPLE = 100


@dataclass(frozen=True)
class Answers:
    """What a collection answered: its ids, how many of the vectors asked for found themselves, its newest revision."""

    ids: list[str]
    asked: int
    found: int
    unknown: int
    revision: int


class Searcher:
    """The running program; what crashes it is told, and the next question starts it anew."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            self._process.communicate()

    def ask(self, store: Path) -> dict[str, Answers] | str:
        """Return the answers of each collection of a copied store, or a sentence where it cannot be opened."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.searcher"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{store}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            return f"opening the vector store ended the process with {self._process.wait()}"
        answer = json.loads(line)
        return answer if isinstance(answer, str) else {name: Answers(**values) for name, values in answer.items()}


def main() -> None:
    """Answer line by line."""
    for line in sys.stdin:
        try:
            answer: object = _search(Path(line.strip()))
        except Exception as error:  # noqa: BLE001 - whatever Chroma raises is the answer
            answer = f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _search(store: Path) -> dict[str, dict[str, Any]]:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=str(store), settings=Settings(anonymized_telemetry=False))
    answers = {
        col.name: _ask(client.get_collection(col.name, embedding_function=None)) for col in client.list_collections()
    }
    client.clear_system_cache()
    return answers


def _ask(collection: Any) -> dict[str, Any]:
    everything = collection.get(include=["embeddings", "metadatas"])
    ids = everything["ids"]
    chosen = range(0, len(ids), max(len(ids) // SAMPLE, 1))
    answers = collection.query(query_embeddings=[everything["embeddings"][index] for index in chosen], n_results=5)[
        "ids"
    ]
    return {
        "ids": ids,
        "asked": len(answers),
        "found": sum(ids[index] in near for index, near in zip(chosen, answers, strict=True)),
        "unknown": sum(name not in ids for near in answers for name in near),
        "revision": max(((data or {}).get("revision", 0) for data in everything["metadatas"]), default=0),
    }


if __name__ == "__main__":
    main()
