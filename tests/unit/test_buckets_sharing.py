"""Shares of tasks: every task once, small shares last, no share larger than it may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tallystick.buckets.sharing import share_out

SIZES = st.lists(st.integers(0, 10**9), max_size=80)


@given(sizes=SIZES, cores=st.integers(1, 64), most=st.integers(1, 10**9))
def test_shares_hold_every_task_once_and_in_order(sizes: list[int], cores: int, most: int) -> None:
    shares = share_out(sizes, cores=cores, most_bytes=most)
    assert [number for share in shares for number in share] == list(range(len(sizes)))
    assert all(len(share) for share in shares)


@given(sizes=SIZES, cores=st.integers(1, 64), most=st.integers(1, 10**9))
def test_a_share_of_several_stays_below_half_of_a_cores_part_of_what_is_left(
    sizes: list[int], cores: int, most: int
) -> None:
    weights = [max(size, 1) for size in sizes] if any(sizes) else [1] * len(sizes)
    for share in share_out(sizes, cores=cores, most_bytes=most):
        if len(share) > 1:
            taken = sum(weights[n] for n in share)
            assert taken <= most
            assert 2 * cores * taken <= sum(weights[share.start :])


def test_equal_tasks_are_shared_out_in_ever_smaller_shares() -> None:
    lengths = [len(share) for share in share_out([1000] * 64, cores=2)]
    assert lengths == [16, 12, 9, 6, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1]
    assert sum(lengths) == 64


def test_a_huge_task_stands_alone_and_the_rest_is_shared_out_without_it() -> None:
    assert [len(share) for share in share_out([10**6, *[10] * 8], cores=2)][:3] == [1, 2, 1]


def test_large_tasks_are_shared_out_one_by_one() -> None:
    assert len(share_out([2**26 + 1] * 100, cores=2)) == 100


def test_tasks_of_unknown_size_count_as_equal() -> None:
    assert share_out([0] * 20, cores=2) == share_out([7] * 20, cores=2)


def test_no_tasks_make_no_shares() -> None:
    assert share_out([], cores=2) == []
