# SPDX-License-Identifier: BSD-2-Clause
"""Networks of known shapes with random weights, for measuring: blocks of larger networks, and those of MLPerf Tiny."""

from nets.builder import Builder


def depthwise_network(size=24, channels=64, seed=0):
    """Return a Network of one depthwise 3x3 convolution over size x size x channels."""
    build = Builder("depthwise", size, size, channels, seed)
    build.depthwise("depthwise", "input")
    return build.network()


def residual_network(size=32, channels=16, seed=0):
    """Return a Network of two 3x3 convolutions over size x size x channels whose result is added to the input."""
    build = Builder("residual", size, size, channels, seed)
    inner = build.convolution("conv1", "input", channels)
    build.add("add", build.convolution("conv2", inner, channels, relu=False), "input")
    return build.network()


def global_average_network(size=8, channels=64, seed=0):
    """Return a Network that averages size x size x channels to a pixel."""
    build = Builder("average", size, size, channels, seed)
    build.global_average("average", "input")
    return build.network()


def fire_network(size=27, inputs=128, squeeze=16, expand=64, seed=0):
    """Return a Network of one SqueezeNet fire module: a 1x1 convolution to `squeeze`, then 1x1 and 3x3 to `expand` each, side by side."""
    build = Builder("fire", size, size, inputs, seed)
    narrow = build.convolution("squeeze", "input", squeeze, (1, 1))
    build.concatenation("fire", build.convolution("expand1x1", narrow, expand, (1, 1)), build.convolution("expand3x3", narrow, expand))
    return build.network()


def resnet8_network(seed=0):
    """Return a Network of the shapes of MLPerf Tiny's image classification: ResNet-8 over 32 x 32 x 3."""
    build = Builder("resnet8-shapes", 32, 32, 3, seed)
    tensor = build.convolution("conv0", "input", 16)
    for block, (channels, step) in enumerate(((16, 1), (32, 2), (64, 2)), 1):
        inner = build.convolution(f"conv{block}a", tensor, channels, stride=(step, step))
        inner = build.convolution(f"conv{block}b", inner, channels, relu=False)
        around = tensor if step == 1 else build.convolution(f"conv{block}c", tensor, channels, (1, 1), (step, step), relu=False)
        tensor = build.add(f"add{block}", inner, around)
    build.dense("dense", build.global_average("average", tensor), 10)
    return build.network()


def ds_cnn_network(seed=0):
    """Return a Network of the shapes of MLPerf Tiny's keyword spotting: DS-CNN over 49 x 10 x 1."""
    build = Builder("ds-cnn-shapes", 49, 10, 1, seed)
    tensor = build.convolution("conv0", "input", 64, (10, 4), (2, 2))
    for block in range(1, 5):
        tensor = build.convolution(f"pointwise{block}", build.depthwise(f"depthwise{block}", tensor), 64, (1, 1))
    build.dense("dense", build.global_average("average", tensor), 12)
    return build.network()


# Stride of each depthwise convolution, and output channels of the pointwise one behind it.
_MOBILENET = ((1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128), *5 * ((1, 128),), (2, 256), (1, 256))


def vww_network(seed=0):
    """Return a Network of the shapes of MLPerf Tiny's visual wake words: MobileNet v1 of width 0.25 over 96 x 96 x 3."""
    build = Builder("vww-shapes", 96, 96, 3, seed)
    tensor = build.convolution("conv0", "input", 8, stride=(2, 2))
    for block, (step, channels) in enumerate(_MOBILENET, 1):
        tensor = build.convolution(f"pointwise{block}", build.depthwise(f"depthwise{block}", tensor, stride=(step, step)), channels, (1, 1))
    build.dense("dense", build.global_average("average", tensor), 2)
    return build.network()
