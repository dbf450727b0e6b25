# SPDX-License-Identifier: BSD-2-Clause
"""Figures that others published, each with its source. What neither the poster nor the journal's abstract gives is NOT_FOUND."""

from dataclasses import dataclass

NOT_FOUND = "not found"

POSTER = "SPARCNet poster"
JOURNAL = "Page, Jafari, Shea, Mohsenin, ACM JETC 13(3), 2017, abstract"

# Share of multiply-accumulates and of parameters that the paper's reduced networks save.
SAVED = {"sparse-vgg-d": {"macs": 0.60, "parameters": 0.93}, "sparse-alexnet": {"macs": 0.21}, "squeezenet10": {"macs": 0.49},
         "squeezenet11": {"macs": 0.49}}
# What the table of networks says of them.
SAVED_NOTE = "published of SqueezeNet, against AlexNet, without its version"

# How many times more efficient the reduced networks are than their baselines.
REDUCED = "4 to 6 times the efficiency"

# The accelerator against the CPU of the same chip, and against other chips.
AGAINST_CPU = ("2 times the efficiency for VGG-A and VGG-D, 6.5 times for AlexNet and SqueezeNet; up to 22 times the throughput and 13 times less energy")
# (network, platform, what is said of its images a second and watt, source).
AGAINST_OTHERS = (
    ("CIFAR-10's and ImageNet's", NOT_FOUND, "90 % (CIFAR-10) and 35 % (ImageNet) more images a second and watt than the Jetson TK1's GPU", POSTER),
    (NOT_FOUND, "Artix-7 at 100 MHz", "11.8 and 7.5 times the energy efficiency of TK1 and TX1; up to 15 times that of recent FPGA accelerators", JOURNAL))

# Accuracy: what is said of a best baseline and its reduced network.
ACCURACY = "a best baseline of 93.47 %, under 0.03 % loss"

# Operations of an image through AlexNet, as the poster counts them, in GOP.
ALEXNET_GOP = 2.15

# Images a second: (network, platform, images/s, board power in W that it stayed under, source).
SPEED = (("Sparse VGG-D", "Artix-7 at 100 MHz", 72, 2.0, JOURNAL),)


@dataclass(frozen=True)
class Accelerator:
    """A column of the poster's table of prior work, as printed: operations of an image in GOP, speed in GOP/s, power in W, efficiency in GOP/J."""

    name: str
    platform: str
    precision: str
    megahertz: int
    network: str
    operations: float
    speed: float
    power: float
    efficiency: float


# The poster's table, by the numbers of its references.
PRIOR_WORK = (
    Accelerator("[2]", "Zynq-7 XC7Z045", "16-bit fixed", 150, "NA", 0.552, 23.18, 8.0, 2.90),
    Accelerator("[14]", "Virtex-7 VX485T", "32-bit float", 100, "AlexNet", 2.15, 61.62, 18.61, 3.31),
    Accelerator("[10]", "Stratix V GSD8", "8/16-bit fixed", 120, "VGG-16", 30.9, 117.8, 25.8, 4.57),
    Accelerator("SPARCNet", "Zynq-7 XC7Z020", "16-bit float", 100, "AlexNet", 2.15, 22.31, 2.79, 8.07),
    Accelerator("GPU", "Jetson TK1", "32-bit float", 2320, "AlexNet", 2.15, 55.30, 12.08, 4.58),
)

# Board power of an Arty A7 with neural networks in it, and where the figure is from.
BOARD_WATTS, BOARD_SOURCE = 2.2, "board power measured for other neural-network designs on the Arty A7 in MLPerf Tiny 0.7; not ours"
