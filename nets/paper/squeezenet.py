# SPDX-License-Identifier: BSD-2-Clause
"""SqueezeNet v1.0 and v1.1 (Iandola et al., 2016) over 227 x 227 x 3: fire modules, a 1x1 convolution to the classes and its mean."""

from nets.definition import Draft

_CLASSES = 1000

# Channels of each fire module's squeeze convolution; the two convolutions behind it have four times as many each. None is a max pool.
_V10 = (16, 16, 32, None, 32, 48, 48, 64, None, 64)
_V11 = (16, 16, None, 32, 32, None, 48, 48, 64, 64)


def _fire(draft, name, source, width):
    squeeze = draft.convolution(f"{name}.squeeze1x1", source, width, 1, norm=False)
    expand1 = draft.convolution(f"{name}.expand1x1", squeeze, 4 * width, 1, norm=False)
    expand3 = draft.convolution(f"{name}.expand3x3", squeeze, 4 * width, norm=False)
    return draft.concatenation(name, expand1, expand3)


def _squeezenet(name, outputs, kernel, modules, edge):
    draft = Draft(name, 227, 227, 3)
    tensor = draft.convolution("conv1", "input", outputs, kernel, 2, 0, norm=False)
    tensor, number = _pool(draft, "pool1", tensor), 1
    for width in modules:
        number += width is not None
        tensor = _pool(draft, f"pool{number}", tensor) if width is None else _fire(draft, f"fire{number}", tensor, width)
    tensor = draft.convolution("conv10", tensor, _CLASSES, 1, padding=edge, norm=False)
    draft.average_pool("pool10", tensor, draft.definition().shapes[tensor][0])
    return draft.definition()


def _pool(draft, name, tensor):
    """A 3x3 max pool with stride 2 in ceil mode."""
    size = draft.definition().shapes[tensor][0]
    return draft.max_pool(name, tensor, 3, 2, ceil=(size + 1) % 2)


def squeezenet10():
    """Return SqueezeNet v1.0, whose conv10 has a border of 1 as in Caffe's definition."""
    return _squeezenet("squeezenet10", 96, 7, _V10, 1)


def squeezenet11():
    """Return SqueezeNet v1.1."""
    return _squeezenet("squeezenet11", 64, 3, _V11, 0)
