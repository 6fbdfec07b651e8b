"""The difficulty pool: who is drawn, how pass rates move, and the laws of drawing."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.errors import UsageError
from groundsight.curricula.base import GroupOutcome
from groundsight.curricula.difficulty_pool import DifficultyPool, DifficultyPoolConfig
from groundsight.curricula.shuffle import Shuffle, ShuffleConfig


def make_pool(items: dict[str, float | None], **settings: Any) -> DifficultyPool:
    return DifficultyPool(DifficultyPoolConfig(**settings), items)


def outcome(sample_id: str, *rewards: float | None) -> GroupOutcome:
    return GroupOutcome(sample_id=sample_id, rewards=rewards)


def test_always_right_and_always_wrong_questions_are_not_drawn_when_revisit_is_zero() -> None:
    pool = make_pool({"easy": 1.0, "hard": 0.0, "mid": 0.5, "new": None}, revisit=0.0)
    assert {name for _ in range(20) for name in pool.draw(2)} == {"mid", "new"}


def test_revisit_is_the_odds_of_an_easy_question_against_a_useful_one() -> None:
    pool = make_pool({"easy": 1.0, "mid": 0.5}, revisit=0.25)
    counts = Counter(pool.draw(1)[0] for _ in range(4000))
    assert counts["easy"] / 4000 == pytest.approx(0.25 / 1.25, abs=0.03)


def test_a_group_moves_the_pass_rate_by_the_momentum() -> None:
    pool = make_pool({"a": 0.2}, momentum=0.5, pass_at=1.0)
    pool.observe(outcome("a", 1.0, 1.0, 1.5, 0.9))  # 3 of 4 passed
    assert pool.pass_rate("a") == pytest.approx(0.2 + 0.5 * (0.75 - 0.2))


def test_the_first_group_of_a_new_question_sets_its_rate() -> None:
    pool = make_pool({"a": None})
    pool.observe(outcome("a", 1.0, 0.0, None))
    assert pool.pass_rate("a") == 0.5


def test_a_group_that_could_not_be_scored_teaches_nothing() -> None:
    pool = make_pool({"a": 0.25})
    pool.observe(outcome("a", None, None))
    assert pool.pass_rate("a") == 0.25


def test_an_easy_question_that_becomes_hard_is_useful_on_its_way() -> None:
    pool = make_pool({"a": 1.0, "b": 0.5}, revisit=0.0)
    pool.observe(outcome("a", 0.0, 0.0))
    assert pool.metrics() == {
        "pool/new_rate": 0.0,
        "pool/easy_rate": 0.0,
        "pool/hard_rate": 0.0,
        "pool/useful_rate": 1.0,
    }


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=4), st.none() | st.floats(0, 1), min_size=1, max_size=30
    ),
    st.integers(0, 2**31),
    st.data(),
)
def test_a_draw_has_no_doubles_and_a_second_pool_draws_the_same(
    items: dict[str, float | None], seed: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, len(items)))
    first, second = (
        make_pool(order, seed=seed) for order in (items, dict(reversed(items.items())))
    )
    drawn = first.draw(count)
    assert len(set(drawn)) == count and set(drawn) <= set(items)
    assert second.draw(count) == drawn
    assert sum(first.metrics().values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("items", "count", "says"),
    [({"a": 0.5}, 2, "2 questions asked for"), ({"a": 1.0, "b": 0.5}, 2, "only 1 can be drawn")],
)
def test_asking_for_more_than_there_is_says_what_to_do(
    items: dict[str, float | None], count: int, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        make_pool(items, revisit=0.0).draw(count)


@pytest.mark.parametrize(
    ("items", "says"), [({}, "at least one"), ({"a": 1.5}, r"in \[0, 1\], got 1.5")]
)
def test_a_pool_of_wrong_items_is_refused(items: dict[str, float | None], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make_pool(items)


def test_a_sample_from_elsewhere_is_refused() -> None:
    with pytest.raises(UsageError, match="not in the difficulty pool"):
        make_pool({"a": None}).observe(outcome("b", 1.0))


def test_a_reward_that_the_rubric_lacks_is_named() -> None:
    with pytest.raises(UsageError, match="looks at reward 'iou'"):
        make_pool({"a": None}, reward="iou").observe(outcome("a", 1.0))


def test_a_band_without_inside_is_refused() -> None:
    with pytest.raises(ValueError, match="must be below"):
        make_pool({"a": None}, min_rate=0.5, max_rate=0.5)


@given(st.integers(1, 9), st.lists(st.integers(0, 12), max_size=8), st.integers(0, 99))
def test_shuffle_gives_every_question_once_an_epoch_however_it_is_asked(
    size: int, counts: list[int], seed: int
) -> None:
    items: dict[str, float | None] = {f"q{i}": None for i in range(size)}
    shuffle = Shuffle(ShuffleConfig(seed=seed), items)
    drawn = [name for count in counts for name in shuffle.draw(count)]
    assert drawn == Shuffle(ShuffleConfig(seed=seed), items).draw(sum(counts))
    for start in range(0, len(drawn) - size + 1, size):
        assert sorted(drawn[start : start + size]) == sorted(items)
