# SPDX-License-Identifier: BSD-2-Clause
"""What NumPy, Pillow, tarfile and the unpackers below them raise for a file that cannot be read."""

import lzma
import struct
import tarfile
import tokenize
import zipfile
import zlib

# Besides files that are not there: damaged archives, flags of archives that are not supported, and headers that are none.
UNREADABLE = (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, MemoryError, OverflowError, SyntaxError,
              struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error)

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
UNREADABLE_TAR = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError)


def reason(error):
    """Return what to say of one of these errors: its first line, without NumPy's advice to run what a file may hold."""
    if "pickle" in str(error):
        return "it is no file of NumPy's, or holds Python objects"
    return str(error).partition("\n")[0].rstrip(":.") or type(error).__name__
