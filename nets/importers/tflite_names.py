# SPDX-License-Identifier: BSD-2-Clause
"""Short, clean and unique names for tensors and layers, from the long ones that converters leave."""

import re

from nets.free_name import free_name

# The last component that a fused layer's own part of the name has; a converter joins the names of all that it fused by semicolons.
_OWN = {
    "CONV_2D": ("BiasAdd", "Conv2D", "convolution"),
    "DEPTHWISE_CONV_2D": ("BiasAdd", "depthwise"),
    "FULLY_CONNECTED": ("BiasAdd", "MatMul"),
    "ADD": ("add", "Add", "AddV2"),
}
# Names of outputs that say nothing of the layer.
_EMPTY = re.compile(r"(identity|statefulpartitionedcall|serving_default|output|tensor)?[_\d]*(int8)?[_\d]*")
# What the last component says of the operation and not of the layer.
_OPERATIONS = {"add", "addv2", "avgpool", "biasadd", "concat", "conv2d", "convolution", "depthwise", "matmul", "maxpool", "mean", "mul", "pad",
               "relu", "relu6", "reshape", "sigmoid", "softmax"}


def clean_name(kind, stored, scope=""):
    """Return a short name of the output, called `stored`, of an operator `kind`: letters, digits and underscores.

    scope: the first component that all names of the file share, which is left out.
    """
    parts = [re.sub(r":\d+$", "", part).removeprefix(scope).strip("/") for part in stored.split(";")]
    own = [part for part in parts if re.sub(r"\d+$", "", part.rsplit("/", 1)[-1]) in _OWN.get(kind, ())]
    words = [re.sub(r"\W+", "_", word).strip("_") for word in (own or parts)[0].split("/")]
    if len(words) > 1 and re.sub(r"_?\d+$", "", words[-1]).lower() in _OPERATIONS:
        words.pop()
    name = "_".join(word for word in words if word)
    return kind.lower() if _EMPTY.fullmatch(name.lower()) else name


def shared_scope(names):
    """Return the first component, with its slash, that begins every one of `names`, or ''."""
    first = {name.split("/", 1)[0] + "/" for name in names if "/" in name}
    return first.pop() if len(first) == 1 else ""


class Names:
    """Gives each wish a name that no other has."""

    def __init__(self):
        self._taken = set()

    def unique(self, wish):
        """Return `wish`, or it with the first number from 2 on that makes it new."""
        name = free_name(wish, self._taken, mark="_", first=2)
        self._taken.add(name)
        return name
