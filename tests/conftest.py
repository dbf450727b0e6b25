# SPDX-License-Identifier: BSD-2-Clause
"""What holds for all tests."""

import functools
import inspect
import types

from myhdl import _block, _instance

# MyHDL asks for the call stack at every process of a block. With source lines in it, which it does not look at, each frame is searched for in all
# modules that any test has imported: thousands, with which most of a block's test is spent.
_STACK_ALONE = types.SimpleNamespace(**{**vars(inspect), "stack": functools.partial(inspect.stack, 0)})
_block.inspect = _instance.inspect = _STACK_ALONE
