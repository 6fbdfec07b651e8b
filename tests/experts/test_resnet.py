"""Our ResNet against torchvision's layout and against a forward pass written by hand."""

import pytest
import torch
from tests.experts.official_layouts import drawn_state, resnet_layout
from tests.experts.official_steps import resnet_forward

from groundsight.experts.networks.resnet import ResNet


def test_names_shapes_and_number_of_parameters_are_torchvisions() -> None:
    network = ResNet()
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes == resnet_layout(outputs=1000)
    # The number that torchvision's documentation gives for ResNet-50.
    assert sum(p.numel() for p in network.parameters()) == 25_557_032


def test_nprs_cut_has_the_papers_number_of_parameters() -> None:
    network = ResNet(num_stages=2, stem_kernel=3, num_classes=1, head="fc1")
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes == resnet_layout((3, 4), stem=3, head="fc1")
    # NPR's paper tells 1.44 million.
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 2) == 1.44


@pytest.mark.parametrize(("depths", "stem", "head"), [((3, 4, 6, 3), 7, "fc"), ((3, 4), 3, "fc1")])
def test_the_forward_pass_equals_one_written_by_hand(
    depths: tuple[int, ...], stem: int, head: str
) -> None:
    network = ResNet(num_stages=len(depths), stem_kernel=stem, num_classes=1, head=head).eval()
    state = drawn_state(resnet_layout(depths, stem=stem, head=head))
    network.load_state_dict(state, strict=True)
    x = torch.randn(2, 3, 72, 56, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = resnet_forward(state, x, depths, head)
        assert wanted.abs().max() > 1e-3
        torch.testing.assert_close(network(x), wanted, rtol=1e-4, atol=1e-4)


def test_without_a_head_come_the_pooled_features() -> None:
    network = ResNet((1, 1), num_stages=2, in_channels=30, num_classes=None, width=8).eval()
    assert network.num_features == 64
    assert network(torch.zeros(2, 30, 32, 32)).shape == (2, 64)
    assert network.feature_maps(torch.zeros(2, 30, 32, 32)).shape == (2, 64, 4, 4)


def test_a_step_of_training_has_gradients_everywhere() -> None:
    network = ResNet((1, 1), num_stages=2, num_classes=1, width=8).train()
    network(torch.randn(4, 3, 32, 32)).sum().backward()
    lacking = [name for name, p in network.named_parameters() if p.grad is None]
    assert lacking == []
