"""What holds for every policy over every set of archives, whatever their clocks said."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backup_core.retention import Candidate, Policy, plan, safeties_to_prune, thinning_order

counts = st.integers(0, 6)
policies = st.builds(Policy, newest=st.integers(1, 6), daily=counts, weekly=counts, monthly=counts, states=counts)
patient_policies = st.builds(replace, policies, waiting=st.integers(0, 12))
plain_policies = st.builds(Policy, newest=st.integers(1, 6))
times = st.datetimes(datetime.fromisoformat("2009-01-01"), datetime.fromisoformat("2099-12-31"))
near_times = st.integers(0, 24 * 60).map(lambda hours: datetime.fromisoformat("2025-12-01") + timedelta(hours=hours))


@st.composite
def archives(draw: st.DrawFn) -> list[Candidate]:
    """Up to 40 archives in any order, some of equal contents, some of unknown, some at wild times."""
    made = draw(
        st.lists(
            st.tuples(times | near_times, st.sampled_from(["", "a", "b", "c", "d"]), st.integers(0, 3)), max_size=40
        )
    )
    candidates = [
        Candidate(
            f"backup {number}", (number // 2, time), time, contents, clock_resets=resets, dateless=time.year < 2025
        )
        for number, (time, contents, resets) in enumerate(made)
    ]
    return draw(st.permutations(candidates))


@st.composite
def opened_archives(draw: st.DrawFn) -> list[Candidate]:
    """The same, with some of them opened."""
    candidates = draw(archives())
    opened = draw(st.sets(st.integers(0, 40)))
    return [replace(one, opened=int(one.name.split()[1]) in opened) for one in candidates]


def by_age(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: (candidate.order, candidate.name), reverse=True)


def unproven(candidates: list[Candidate]) -> list[Candidate]:
    """Return those younger than the newest opened one, newest first; none where none was opened."""
    newest_first = by_age(candidates)
    return newest_first[: next((place for place, one in enumerate(newest_first) if one.opened), 0)]


def places(policy: Policy) -> int:
    """Return how many a policy keeps at most where nothing waits to be opened; the clock may have been set back."""
    return policy.newest + policy.states + 4 * (policy.daily + policy.weekly + policy.monthly)


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
    again = plan(rest, policy)
    assert again.prune == ()
    if not any(one.dateless for one in candidates):
        # The days of a right clock that have gone leave their places to those of none: they are then kept as days.
        assert again.keep == first.keep


@given(archives(), policies)
def test_no_more_are_kept_than_the_policy_has_places(candidates: list[Candidate], policy: Policy) -> None:
    assert len(plan(candidates, policy).keep) <= places(policy)


@given(archives(), policies)
def test_where_no_clock_was_ever_set_back_each_tier_keeps_its_places_and_no_more(
    candidates: list[Candidate], policy: Policy
) -> None:
    right = [replace(one, clock_resets=0, dateless=False) for one in candidates]
    most = policy.newest + policy.states + policy.daily + policy.weekly + policy.monthly
    assert len(plan(right, policy).keep) <= most


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
    assert [keep.get(candidate.name) == "newest" for candidate in by_age(candidates)] == [
        place < policy.newest for place in range(len(candidates))
    ]


@given(archives(), near_times)
def test_of_safety_backups_three_always_stay_and_never_more_than_ten(
    candidates: list[Candidate], today: datetime
) -> None:
    gone = safeties_to_prune(candidates, today)
    assert min(3, len(candidates)) <= len(candidates) - len(gone) <= 10
    assert not candidates or newest(candidates).name not in gone


@given(opened_archives(), patient_policies)
def test_what_is_not_proven_pushes_nothing_out(candidates: list[Candidate], policy: Policy) -> None:
    waiting = unproven(candidates)[: policy.waiting]
    rest = [one for one in candidates if one not in waiting]
    result, without = plan(candidates, policy), plan(rest, replace(policy, waiting=0))
    assert result.prune == without.prune
    rule_of_newest = {"newest": "unopened"}
    told = {name: rule_of_newest.get(why, why) for name, why in without.keep.items()}
    told |= {one.name: "unopened" for one in waiting}
    assert result.keep == told | {one.name: "newest" for one in by_age(candidates)[: policy.newest]}


@given(opened_archives(), patient_policies)
def test_no_more_wait_to_be_opened_than_the_policy_allows(candidates: list[Candidate], policy: Policy) -> None:
    assert len(plan(candidates, policy).keep) <= places(policy) + policy.waiting


@given(archives(), patient_policies)
def test_where_nothing_was_ever_opened_the_rule_is_the_ordinary_one(
    candidates: list[Candidate], policy: Policy
) -> None:
    assert plan(candidates, policy) == plan(candidates, replace(policy, waiting=0))


@given(opened_archives(), patient_policies)
def test_tidying_up_again_before_anything_new_is_opened_deletes_nothing_more(
    candidates: list[Candidate], policy: Policy
) -> None:
    never = {one.name for one in by_age(candidates) if one.opened}
    kept = plan(candidates, policy, never=never).keep
    assert plan([one for one in candidates if one.name in kept], policy, never=never).prune == ()


@given(opened_archives(), patient_policies)
def test_a_full_disk_may_take_all_but_the_newest_whatever_was_opened(
    candidates: list[Candidate], policy: Policy
) -> None:
    planned = plan(candidates, policy)
    taken = set(thinning_order(candidates, planned))
    assert {one.name for one in candidates if one.name in planned.keep and one.name not in taken} == {
        one.name for one in by_age(candidates)[: policy.newest]
    }
