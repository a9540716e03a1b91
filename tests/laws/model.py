"""A clinic's life as Hypothesis invents it, beside a model that says after each step what must be on the disk.

`python -m tests.laws.model --steps 10000` is the long form.
"""

import argparse
import logging
import sys

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .life import Life, LifeWithVectors

#: Steps of one life.
LIFE = 60
#: Lives that Hypothesis invents at a time: the later ones of many would resemble each other.
LIVES = 30


def live(lives: int, *, steps: int = LIFE, kind: type[Life] = Life) -> None:
    """Let Hypothesis invent that many lives; raise AssertionError with the shortest that breaks a rule."""
    chosen = settings(
        max_examples=lives, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(kind, settings=chosen)


def main() -> int:
    """Run the long form; a broken rule ends it with the steps that lead there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    wanted = parser.parse_args()
    # Refused damage is what is wanted here, and each refusal would log its traceback.
    logging.disable()
    while Life.steps < wanted.steps:
        live(LIVES)
        live(LIVES // 10, kind=LifeWithVectors)
    counted = {
        "kills": Life.kills,
        "kills in the recovery": Life.kills_in_recovery,
        "damaged archives refused": Life.refusals,
        "vector stores opened": Life.stores_opened,
    }
    told = "".join(f", {count} {what}" for what, count in counted.items())
    sys.stdout.write(f"{Life.steps} steps{told}, 0 rules broken\n")
    # What never happened was not tried, and a law about it holds nothing.
    return 0 if all(counted.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
