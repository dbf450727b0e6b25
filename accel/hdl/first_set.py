# SPDX-License-Identifier: BSD-2-Clause
"""Finds the lowest set bit of a word, as a tree: groups of four bits, the first group, the first bit in it."""

from myhdl import always_comb, block

from accel.hdl.fields import bits_of
from accel.hdl.interfaces import flag, unsigned


@block
def group_flags(word, any_, several, number):
    """any_ (out, flag): one of the four bits of group `number` is set; several (out, flag): more than one. Combinational."""
    low = 4 * number
    high = low + 4

    @always_comb
    def look():
        any_.next = word[high:low] != 0
        several.next = word[high:low] != 0 and word[high:low] != 1 and word[high:low] != 2 and word[high:low] != 4 and word[high:low] != 8

    return look


@block
def more_than_one(word, several):
    """several (out, flag): at least two bits of word are set. Combinational; word has a multiple of four bits."""
    groups = len(word) // 4
    full, many = [flag() for _ in range(groups)], [flag() for _ in range(groups)]
    looks = [group_flags(word, full[g], many[g], g) for g in range(groups)]
    any_full, any_many = bits_of(full), bits_of(many)

    @always_comb
    def conclude():
        several.next = any_many != 0
        for g in range(groups):
            if any_full[g] and any_full != (1 << g):
                several.next = True

    return looks, conclude


@block
def first_set(word, index, rest):
    """index (out) is the number of the lowest set bit of word, rest (out) is word without it. Combinational.

    word has a multiple of four bits. index of 0 is 0.
    """
    size = len(word)
    groups = size // 4
    full, many = [flag() for _ in range(groups)], [flag() for _ in range(groups)]
    group, nibble, low = unsigned(max(1, (groups - 1).bit_length())), unsigned(4), unsigned(2)
    looks = [group_flags(word, full[g], many[g], g) for g in range(groups)]
    any_full = bits_of(full)

    @always_comb
    def find_group():
        group.next = 0
        for g in range(groups):
            if any_full[groups - 1 - g]:
                group.next = groups - 1 - g

    @always_comb
    def take_nibble():
        nibble.next = (word >> (4 * group)) & 15

    @always_comb
    def find_bit():
        low.next = 3
        if nibble[0] or nibble == 0:
            low.next = 0
        elif nibble[1]:
            low.next = 1
        elif nibble[2]:
            low.next = 2

    @always_comb
    def join():
        index.next = 4 * group + low

    @always_comb
    def remove():
        rest.next = word
        for i in range(size):
            if index == i:
                rest.next[i] = False

    return looks, find_group, take_nibble, find_bit, join, remove
