"""A clinic's life as Hypothesis invents it, beside a model that says after each step what must be on the disk.

`python -m tests.laws.model --steps 10000` is the long form.
"""

import argparse
import logging
import sys

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .life import Life

#: Steps of one life.
LIFE = 60


def live(lives: int, *, steps: int = LIFE) -> None:
    """Let Hypothesis invent that many lives; raise AssertionError with the shortest that breaks a rule."""
    chosen = settings(
        max_examples=lives, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Life, settings=chosen)


def main() -> int:
    """Run the long form; a broken rule ends it with the steps that lead there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    wanted = parser.parse_args()
    # Refused damage is what is wanted here, and each refusal would log its traceback.
    logging.disable()
    while Life.steps < wanted.steps:
        live(max(1, (wanted.steps - Life.steps) // LIFE))
    sys.stdout.write(f"{Life.steps} steps, 0 rules broken\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
