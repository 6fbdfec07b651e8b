"""Many pictures: order, problems, equal scores, folding."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image
from tests.experts.official_layouts import drawn_state, resnet_layout
from tests.experts.official_steps import noise
from tests.experts.toy_bright_expert import make_trained, plain_picture

from groundsight.core.errors import PictureError
from groundsight.experts import build_expert
from groundsight.experts.base import Expert
from groundsight.experts.scoring import score_many
from groundsight.experts.scoring.fast import fold_batch_norms, for_scoring


def npr() -> Expert:
    expert = build_expert("npr", device="cpu")
    state = drawn_state(resnet_layout((3, 4), stem=3, head="fc1"))
    expert.network.load_state_dict(state, strict=True)
    return expert


def open_level(level: int) -> Image.Image:
    if level < 0:
        raise PictureError("damaged", f"level {level}")
    return plain_picture(level)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_every_item_comes_back_in_order_with_its_score(
    workers: int, batch_size: int | None
) -> None:
    levels = [7, 200, -1, 90, 13, -2, 255, 0, 31]
    expert = make_trained()
    scored = list(
        score_many(levels, open_level, {"b": expert}, workers=workers, batch_size=batch_size)
    )
    assert [item for item, _ in scored] == levels
    good = [level for level in levels if level >= 0]
    wanted = dict(zip(good, expert.score([plain_picture(level) for level in good]), strict=True))
    for level, outcome in scored:
        if level < 0:
            assert outcome.problem is not None and outcome.problem.code == "damaged"
            assert outcome.p_fake == {}
        else:
            assert outcome.problem is None
            np.testing.assert_allclose(outcome.p_fake["b"], wanted[level], atol=1e-6)


def test_several_experts_share_one_opening() -> None:
    opened: list[int] = []

    def open_one(level: int) -> Image.Image:
        opened.append(level)
        return plain_picture(level)

    experts = {"low": make_trained(bias=-1.0), "high": make_trained(bias=1.0)}
    for _, outcome in score_many([10, 200], open_one, experts, workers=1):
        assert outcome.logits["high"] - outcome.logits["low"] == pytest.approx(2.0, abs=1e-4)
    assert sorted(opened) == [10, 200]


def test_items_are_drawn_as_they_are_needed() -> None:
    drawn: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            drawn.append(len(drawn))
            yield 5

    stream = score_many(endless(), open_level, {"b": make_trained()}, workers=2, batch_size=2)
    for _ in range(3):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    # Four chunks of two under way, and one being handed out.
    assert len(drawn) <= 12


def test_a_fault_of_ours_is_raised_and_threads_end() -> None:
    def broken(level: int) -> Image.Image:
        raise ZeroDivisionError

    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        list(score_many([1, 2, 3], broken, {"b": make_trained()}, workers=2))
    assert torch.get_num_threads() == before
    assert not [t for t in threading.enumerate() if t.name.startswith("expert") and t.is_alive()]


@pytest.mark.parametrize("name", ["npr", "bright"])
def test_the_fast_copy_says_the_same(name: str) -> None:
    expert = npr() if name == "npr" else make_trained()
    fast = for_scoring(expert)
    assert fast is not expert
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in fast.network.modules())
    assert any(isinstance(m, torch.nn.BatchNorm2d) for m in expert.network.modules())
    pictures = [Image.fromarray(noise(width, 240)) for width in (100, 230, 301)]
    np.testing.assert_allclose(fast.score(pictures), expert.score(pictures), atol=1e-5)


def test_all_norms_of_nprs_network_are_folded() -> None:
    # Stem, three in each of seven blocks, one on each of two shortcuts.
    assert fold_batch_norms(npr().network) == 1 + 7 * 3 + 2


def test_a_norm_that_is_no_convolutions_neighbour_stays() -> None:
    network = torch.nn.Sequential(
        *(torch.nn.Conv2d(3, 4, 1), torch.nn.ReLU(), torch.nn.BatchNorm2d(4))
    ).eval()
    assert fold_batch_norms(network) == 0


class Misnamed(torch.nn.Module):
    """A pair by its names whose norm comes after a ReLU: folding it would be wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 2, 3)
        self.bn1 = torch.nn.BatchNorm2d(2)
        self.bn1.running_mean.fill_(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.bn1(self.conv1(x).relu()).mean((1, 2, 3))
        return out


def test_an_expert_that_does_not_bear_folding_is_used_as_it_is() -> None:
    expert = make_trained()
    torch.manual_seed(0)
    expert.network = Misnamed().eval()
    with pytest.warns(UserWarning, match="bright is scored unfolded"):
        assert for_scoring(expert) is expert
