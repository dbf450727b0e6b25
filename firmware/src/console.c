/* SPDX-License-Identifier: BSD-2-Clause */

#include "console.h"

#include <libbase/uart.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 80
#define ENQ 5

static int failed;

void console_fail(const char *sentence)
{
	failed = 1;
	printf("@error %s\n", sentence);
}

/* Read a line without its end; returns 0 where it was too long, which skips it. ENQ says that the host may speak: a simulation stops its
 * time until it does. */
static int read_line(char *line)
{
	unsigned length = 0;
	int fits = 1;

	putchar(ENQ);
	for (;;) {
		char c = uart_read();
		if (c == '\n')
			break;
		if (c == '\r')
			continue;
		if (length < LINE_BYTES - 1)
			line[length++] = c;
		else
			fits = 0;
	}
	line[length] = 0;
	return fits;
}

/* Parse `count` numbers from strtok's line; returns whether there were exactly as many. */
static int read_numbers(uint32_t *numbers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char *end, *word = strtok(NULL, " ");
		if (!word)
			return 0;
		numbers[i] = strtoul(word, &end, 0);
		if (*end)
			return 0;
	}
	return strtok(NULL, " ") == NULL;
}

static void execute(char *line, const struct command *commands, unsigned count)
{
	uint32_t arguments[CONSOLE_ARGUMENTS];
	char *name = strtok(line, " ");

	if (!name)
		return;
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(name, commands[i].name))
			continue;
		failed = 0;
		if (!read_numbers(arguments, commands[i].arguments))
			console_fail(commands[i].help);
		else
			commands[i].run(arguments);
		if (!failed)
			printf("@ok\n");
		return;
	}
	console_fail("unknown command; help lists them");
}

void console_serve(const struct command *commands, unsigned count)
{
	static char line[LINE_BYTES];

	printf("@ready\n");
	for (;;) {
		if (read_line(line))
			execute(line, commands, count);
		else
			console_fail("the line is too long");
	}
}
