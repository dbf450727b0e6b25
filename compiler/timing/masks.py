# SPDX-License-Identifier: BSD-2-Clause
"""The dynamic input-channel mask as far as a program's words show it: a MASK's channels, and all channels that a STORE measures."""


def follow_mask(words, instruction, config):
    """Let `words`, {block's number: mask word}, be as `instruction` leaves them. What a STORE measures is data: its whole plane counts as on."""
    fields = instruction.fields
    if instruction.name == "MASK":
        words[fields["block"]] = fields["channels"]
    elif instruction.name == "STORE" and fields["measure"]:
        word, plane = divmod(fields["mask_plane"], config.beats_per_word)
        words[word] = words.get(word, 0) | (1 << config.columns) - 1 << plane * config.columns
