# SPDX-License-Identifier: BSD-2-Clause
"""A bit-field of the instruction and register tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """`bits` wide unsigned (or two's-complement where `signed`) value; `low` is its lowest bit in the word that holds it."""

    name: str
    bits: int
    meaning: str
    signed: bool = False
    low: int = 0

    @property
    def minimum(self):
        """Smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self):
        """Largest value."""
        return (1 << (self.bits - self.signed)) - 1

    def insert(self, value):
        """Return `value` at its place in the word. Raises ValueError when it does not fit."""
        value = int(value)
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{self.name} = {value} is outside {self.minimum} to {self.maximum}")
        return (value & ((1 << self.bits) - 1)) << self.low

    def extract(self, word):
        """Return the field's value in `word`."""
        value = (word >> self.low) & ((1 << self.bits) - 1)
        if self.signed and value >> (self.bits - 1):
            value -= 1 << self.bits
        return value
