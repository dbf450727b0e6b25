# SPDX-License-Identifier: BSD-2-Clause
"""AlexNet over 227 x 227 x 3, without and with the two groups of the original; and a reduced one. Local response normalisation is left out.

The paper counts 2.15 GOP for it, which are the five convolutions without groups (nets.count: 1.077 GMAC).
"""

from nets.definition import Draft

_CLASSES = 1000


def _alexnet(name, groups):
    draft = Draft(name, 227, 227, 3)
    tensor = draft.convolution("conv1", "input", 96, 11, 4, 0, norm=False)
    tensor = draft.convolution("conv2", draft.max_pool("pool1", tensor, 3), 256, 5, groups=groups, norm=False)
    tensor = draft.convolution("conv3", draft.max_pool("pool2", tensor, 3), 384, norm=False)
    tensor = draft.convolution("conv4", tensor, 384, groups=groups, norm=False)
    tensor = draft.convolution("conv5", tensor, 256, groups=groups, norm=False)
    return _classifier(draft, draft.max_pool("pool5", tensor, 3), 4096)


def _classifier(draft, tensor, width):
    tensor = draft.dense("fc7", draft.dense("fc6", tensor, width, relu=True), width, relu=True)
    draft.dense("fc8", tensor, _CLASSES)
    return draft.definition()


def alexnet():
    """Return AlexNet without groups."""
    return _alexnet("alexnet", 1)


def alexnet_groups():
    """Return AlexNet with conv2, conv4 and conv5 in the two groups of the original."""
    return _alexnet("alexnet-groups", 2)


def sparse_alexnet():
    """Return AlexNet with batch norm and with feature compression partitions instead of conv2 to conv5, and narrower fully connected layers."""
    draft = Draft("sparse-alexnet", 227, 227, 3)
    tensor = draft.convolution("conv1", "input", 96, 11, 4, 0)
    tensor = draft.compressed("conv2", draft.max_pool("pool1", tensor, 3), 256, 64, 2, 5)
    tensor = draft.compressed("conv3", draft.max_pool("pool2", tensor, 3), 384, 128, 2)
    tensor = draft.compressed("conv4", tensor, 384, 128, 2)
    tensor = draft.compressed("conv5", tensor, 256, 128, 2)
    return _classifier(draft, draft.max_pool("pool5", tensor, 3), 1024)
