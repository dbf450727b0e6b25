# SPDX-License-Identifier: BSD-2-Clause
"""The distribution's packages that the project needs; `python3 -m targets.packages` installs those that are missing.

Runs before there is a virtual environment: nothing beyond the standard library.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Package of Debian and Ubuntu -> a command or header that shows it is there.
PACKAGES = {
    "verilator": "verilator",
    "g++": "g++",
    "make": "make",
    "ninja-build": "ninja",
    "gcc-riscv64-unknown-elf": "riscv64-unknown-elf-gcc",
    "libevent-dev": "event2/event.h",
    "libjson-c-dev": "json-c/json.h",
    "zlib1g-dev": "zlib.h",
}

# What only boards want: command -> (what for, how to get it).
OPTIONAL = {
    "vivado": ("bitstreams of --target arty and cmod_a7", "from AMD"),
    "openocd": ("--load and --flash of arty and cmod_a7", "apt-get install openocd"),
    "openFPGALoader": ("--load and --flash of ulx3s", "apt-get install openfpgaloader"),
}


def is_there(probe):
    """Return whether a command is in PATH, or a header where the compiler looks."""
    if not probe.endswith(".h"):
        return shutil.which(probe) is not None
    folders = [Path("/usr/include"), Path("/usr/local/include"), *Path("/usr/include").glob("*-linux-gnu")]
    return any((folder / probe).exists() for folder in folders)


def missing_packages():
    """Return the packages whose command or header is not there."""
    return [package for package, probe in PACKAGES.items() if not is_there(probe)]


def install_command(packages):
    """Return the apt line, as a list of words, that installs `packages`."""
    root = [] if os.geteuid() == 0 else ["sudo"]
    return [*root, "apt-get", "install", "--yes", "--no-install-recommends", *packages]


def _may_install():
    if os.geteuid() == 0 or os.environ.get("YES") == "1":
        return True
    return sys.stdin.isatty() and input("Run it now? [y/N] ").strip().lower() in ("y", "yes")


def main():
    """Install what is missing, after asking unless root or YES=1. Returns an exit status."""
    packages = missing_packages()
    if not packages:
        return 0
    command = install_command(packages)
    print("These packages of the distribution are missing; this installs them:\n  " + " ".join(command), flush=True)
    if shutil.which("apt-get") is None:
        print("There is no apt-get here: install what these packages hold by your distribution's means, then run make again.")
        return 1
    if not _may_install():
        print("Run the line above, or make with YES=1, then run make again.")
        return 1
    if subprocess.run(command).returncode:
        update = [word for word in command if word in ("sudo", "apt-get")] + ["update"]
        print("Updating the package lists: " + " ".join(update), flush=True)
        if subprocess.run(update).returncode or subprocess.run(command).returncode:
            print("The packages could not be installed: see apt's words above.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
