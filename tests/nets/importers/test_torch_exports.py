# SPDX-License-Identifier: BSD-2-Clause
"""Networks exported by PyTorch are read as PyTorch computes them."""

import numpy as np
import pytest

from nets.float_run import run_float
from nets.importers.onnx_float import import_with_notes
from nets.quantise_network import quantise_network
from nets.sqnr import sqnr

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional
# Starting torch and exporting take longer than a quick test may.
pytestmark = pytest.mark.full


class Inverted(nn.Module):
    """An inverted residual of MobileNet v2."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        wide, self.residual = 4 * inputs, stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            nn.Conv2d(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(),
            nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, maps):
        return maps + self.body(maps) if self.residual else self.body(maps)


class Mobile(nn.Module):
    """MobileNet v2 in small."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(), Inverted(8, 8, 1), Inverted(8, 16, 2),
                                      Inverted(16, 16, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(16, 10))

    def forward(self, images):
        maps = functional.adaptive_avg_pool2d(self.features(images), (1, 1))
        return self.classifier(torch.flatten(maps, 1))


class PreActivated(nn.Module):
    """A residual block whose batch norms come first, flattened by view, with a softmax."""

    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(inputs, 16, 3, padding=1) for inputs in (3, 16, 16))
        self.norms = nn.ModuleList(nn.BatchNorm2d(16) for _ in range(3))
        self.classifier = nn.Linear(256, 5)

    def forward(self, images):
        first = inner = self.convolutions[0](images)
        for convolution, norm in zip(self.convolutions[1:], self.norms, strict=False):
            inner = convolution(torch.relu(norm(inner)))
        maps = functional.avg_pool2d(torch.relu(self.norms[2](first + inner)), 4)
        return torch.softmax(self.classifier(maps.view(maps.size(0), -1)), dim=1)


class DenselyConnected(nn.Module):
    """DenseNet in small, with a padded max pool and a mean."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(8 + 4 * i), nn.ReLU(), nn.Conv2d(8 + 4 * i, 4, 3, padding=1)) for i in range(3))
        self.classifier = nn.Linear(20, 5)

    def forward(self, images):
        maps = self.first(images)
        for block in self.blocks:
            maps = torch.cat([maps, block(maps)], 1)
        return self.classifier(functional.max_pool2d(functional.pad(maps, (0, 1, 0, 1)), 3, 2).mean((2, 3)))


class OptionA(nn.Module):
    """Images standardised within, and a shortcut that takes every second pixel and pads channels."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, 2, 1)
        self.classifier = nn.Linear(16, 5)

    def forward(self, images):
        mean, deviation = (torch.tensor(numbers).view(1, 3, 1, 1) for numbers in ([0.4, 0.5, 0.6], [0.2, 0.3, 0.2]))
        maps = torch.relu(self.first((images - mean) / deviation))
        maps = torch.relu(self.second(maps) + functional.pad(maps[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4)))
        maps = functional.avg_pool2d(maps, maps.size()[3])
        return self.classifier(maps.view(maps.size(0), -1))


def trained(kind):
    """Return a network of random weights and statistics."""
    torch.manual_seed(1)
    model = kind().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for numbers, fill in ((module.running_mean, "normal_"), (module.bias.data, "normal_")):
                getattr(numbers, fill)()
            for numbers in (module.running_var, module.weight.data):
                numbers.uniform_(0.5, 2)
    return model


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("kind", [Mobile, PreActivated, DenselyConnected, OptionA])
@pytest.mark.parametrize("opset", [11, 13, 17, 20])
@pytest.mark.parametrize("batch", ["fixed", "open"])
def test_an_exported_network_is_read_and_quantised(kind, opset, batch, tmp_path):
    model, images = trained(kind), torch.randn(4, 3, 16, 16)
    axes = {"image": {0: "n"}, "scores": {0: "n"}} if batch == "open" else None
    torch.onnx.export(model, images[:1], tmp_path / "m.onnx", opset_version=opset, dynamo=False, input_names=["image"], output_names=["scores"],
                      dynamic_axes=axes)
    network, _ = import_with_notes(tmp_path / "m.onnx")
    maps = images.numpy().transpose(0, 2, 3, 1)
    wanted = model(images).detach().numpy()
    np.testing.assert_allclose(run_float(network, maps)["scores"].reshape(wanted.shape), wanted, rtol=1e-4, atol=1e-5)
    assert sqnr(network, quantise_network(network, maps), maps)["scores"] > 30
