#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The one entry point: finds the verb on the command line and gives it to that verb's module."""

import argparse
import importlib
import sys

from targets.venv import enter

TARGETS = {"sim": "targets.sim", "arty": "targets.arty", "cmod_a7": "targets.cmod_a7", "ulx3s": "targets.ulx3s"}
VERBS = {name: f"targets.{name}" for name in ("check", "evaluate", "calibrate_dfp", "doctor", "configs")}


def main():
    """Run the verb; returns the exit status."""
    from accel.errors import UserError
    parser = argparse.ArgumentParser(description="SPARCNet on LiteX", add_help=False, allow_abbrev=False)
    verb = parser.add_argument_group("what to do").add_mutually_exclusive_group()
    verb.add_argument("--target", metavar="TARGET", help=f"work with this target: {', '.join(TARGETS)} (--target TARGET --help says more)")
    verb.add_argument("--check", action="store_true", help="say where each layer of --model would run, why, how long it takes (--check --help)")
    verb.add_argument("--evaluate", action="store_true", help="say how well --model classifies --images, by the reference (--evaluate --help)")
    verb.add_argument("--calibrate-dfp", metavar="FILE", help="find thresholds of dynamic feature pruning (--calibrate-dfp FILE --help)")
    verb.add_argument("--doctor", action="store_true", help="list the tools and packages: found, wanted, how to install")
    verb.add_argument("--configs", action="store_true", help="list the accelerator's configurations")
    verb.add_argument("--version", action="store_true", help="print the version")
    chosen, rest = parser.parse_known_args()
    modules = [TARGETS.get(chosen.target), *(module for name, module in VERBS.items() if getattr(chosen, name))]
    try:
        if chosen.target is not None and chosen.target not in TARGETS:
            raise UserError(f"unknown target {chosen.target!r}: choose {', '.join(TARGETS)}")
        if chosen.version:
            from targets.version import VERSION
            print(VERSION)
            return 0
        if not any(modules):
            parser.add_argument("-h", "--help", action="help", help="show this text")
            parser.parse_known_args()
            raise UserError("nothing to do: give --target, --check, --evaluate, --calibrate-dfp, --doctor, --configs or --version; --help says more")
        return importlib.import_module(next(filter(None, modules))).run(rest if not chosen.calibrate_dfp else ["--output", chosen.calibrate_dfp, *rest])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    enter()
    sys.exit(main())
