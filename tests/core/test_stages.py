"""Where the time of an operation goes: noted with its run, and told to whoever asks."""

import json

from backup_core import BackupEngine
from backup_core.history import Action, Outcome, Run, Trigger
from tests.clinic import Clinic
from tests.core.commandline import Run as Command
from tests.core.test_history import run_at

MAKING = ["copy", "freeze", "check", "compress", "write", "verify", "publish"]


def test_a_run_tells_the_seconds_of_each_step_of_a_backup(engine: BackupEngine) -> None:
    made = engine.back_up(Trigger.MANUAL)
    assert [step for step in made.stages if step != "hash"] == MAKING
    assert all(seconds >= 0 for seconds in made.stages.values())
    assert sum(made.stages.values()) > 0
    (kept,) = engine.history.runs(1)
    assert kept.stages == made.stages
    assert made.stages["freeze"] <= made.stages["copy"]


def test_a_restore_and_a_proof_tell_theirs(engine: BackupEngine) -> None:
    archive = engine.create()
    engine.restore(archive)
    engine.prove(archive)
    runs: dict[Action, Run] = {run.action: run for run in engine.history.runs()}
    assert list(runs[Action.RESTORE].stages) == ["extract", "safety", "swap"]
    assert list(runs[Action.PROVE].stages) == ["prove"]


def test_a_record_of_an_older_version_has_no_steps() -> None:
    document = json.loads(run_at(0).to_json())
    del document["stages"]
    read = Run.from_json(json.dumps(document).encode())
    assert read is not None and read.stages == {}


def test_status_tells_the_steps_of_the_last_run(run: Command, clinic: Clinic) -> None:
    run("create")
    last = run("--json", "status").document["last_run"]
    assert last["outcome"] == Outcome.MADE
    assert set(MAKING) <= set(last["stages"])
    assert last["seconds"] > 0
