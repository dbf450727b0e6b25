/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: one command a line, words separated by spaces, numbers in C's notation; each answer is a line that begins with '@'. A line ends with LF,
 * CR, or both; what ends with CR is echoed. Frames of the protocol come on the same line, instead of a command. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

#include "protocol.h"

#define CONSOLE_ARGUMENTS 2

struct command {
	const char *name;
	unsigned arguments;
	const char *help;
	void (*run)(const uint32_t *arguments);
};

/* Read and execute commands for ever. Each is answered by its own lines, then "@ok", or by "@error" and a sentence; a frame by a frame. */
void console_serve(const struct command *commands, unsigned count, struct protocol *protocol);

/* Report that the running command failed; "@ok" is then left out. */
void console_fail(const char *sentence);

#endif
