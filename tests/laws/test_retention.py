"""What holds for every policy over every set of archives, whatever their clocks said."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backup_core.retention import Candidate, Policy, plan, safeties_to_prune

counts = st.integers(0, 6)
policies = st.builds(Policy, newest=st.integers(1, 6), daily=counts, weekly=counts, monthly=counts, states=counts)
plain_policies = st.builds(Policy, newest=st.integers(1, 6))
times = st.datetimes(datetime.fromisoformat("2009-01-01"), datetime.fromisoformat("2099-12-31"))
near_times = st.integers(0, 24 * 60).map(lambda hours: datetime.fromisoformat("2025-12-01") + timedelta(hours=hours))


@st.composite
def archives(draw: st.DrawFn) -> list[Candidate]:
    """Up to 40 archives in any order, some of equal contents, some of unknown, some at wild times."""
    made = draw(st.lists(st.tuples(times | near_times, st.sampled_from(["", "a", "b", "c", "d"])), max_size=40))
    candidates = [
        Candidate(f"backup {number}", (number // 2, time), time, contents)
        for number, (time, contents) in enumerate(made)
    ]
    return draw(st.permutations(candidates))


def newest(candidates: list[Candidate]) -> Candidate:
    return max(candidates, key=lambda candidate: (candidate.order, candidate.name))


@given(archives(), policies, st.sets(st.integers(0, 40)))
def test_every_archive_is_kept_or_pruned_and_none_both(
    candidates: list[Candidate], policy: Policy, protected: set[int]
) -> None:
    never = {f"backup {number}" for number in protected}
    result = plan(candidates, policy, never=never)
    assert sorted([*result.keep, *result.prune]) == sorted(candidate.name for candidate in candidates)
    assert never.isdisjoint(result.prune)
    assert not candidates or result.keep[newest(candidates).name] == "newest"


@given(archives(), policies)
def test_pruning_twice_is_pruning_once(candidates: list[Candidate], policy: Policy) -> None:
    first = plan(candidates, policy)
    rest = [candidate for candidate in candidates if candidate.name in first.keep]
    assert plan(rest, policy).prune == ()
    assert plan(rest, policy).keep == first.keep


@given(archives(), policies)
def test_no_more_are_kept_than_the_policy_has_places(candidates: list[Candidate], policy: Policy) -> None:
    places = policy.newest + policy.states + policy.daily + policy.weekly + policy.monthly
    assert len(plan(candidates, policy).keep) <= places


@given(archives(), plain_policies)
def test_the_plain_rule_keeps_the_newest_and_nothing_else(candidates: list[Candidate], policy: Policy) -> None:
    assert len(plan(candidates, policy).keep) == min(policy.newest, len(candidates))


@given(archives(), policies, st.sampled_from(["newest", "daily", "weekly", "monthly", "states"]))
def test_a_more_generous_policy_prunes_nothing_that_the_stricter_one_keeps(
    candidates: list[Candidate], policy: Policy, tier: str
) -> None:
    generous = Policy(**{**vars(policy), tier: getattr(policy, tier) + 1})
    assert plan(candidates, policy).keep.keys() <= plan(candidates, generous).keep.keys()


@given(archives(), policies)
def test_the_older_of_two_archives_is_never_kept_as_one_of_the_newest_instead_of_the_younger(
    candidates: list[Candidate], policy: Policy
) -> None:
    keep = plan(candidates, policy).keep
    by_age = sorted(candidates, key=lambda candidate: (candidate.order, candidate.name), reverse=True)
    assert [keep.get(candidate.name) == "newest" for candidate in by_age] == [
        place < policy.newest for place in range(len(by_age))
    ]


@given(archives(), near_times)
def test_of_safety_backups_three_always_stay_and_never_more_than_ten(
    candidates: list[Candidate], today: datetime
) -> None:
    gone = safeties_to_prune(candidates, today)
    assert min(3, len(candidates)) <= len(candidates) - len(gone) <= 10
    assert not candidates or newest(candidates).name not in gone
