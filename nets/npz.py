# SPDX-License-Identifier: BSD-2-Clause
"""What NumPy, Pillow and the unpackers below them raise for a file that cannot be read."""

import struct
import tokenize
import zipfile
import zlib

# Besides files that are not there: damaged archives, flags of archives that are not supported, and headers that are none.
UNREADABLE = (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, MemoryError, OverflowError, SyntaxError,
              struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error)
