/* SPDX-License-Identifier: BSD-2-Clause */

#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serial.h"

#define LINE_BYTES 80
#define DELETE 127

/* JUNK is a line that is no text, BROKEN what began as a frame. */
enum input { LINE, LONG_LINE, JUNK, BROKEN, FRAME };

/* `by_hand`: the last line ended with CR, as a terminal's Enter key sends it: what is typed is shown. Programs end lines with LF and want no echo. */
static int failed, by_hand;

void console_fail(const char *sentence)
{
	failed = 1;
	printf("@error %s\n", sentence);
}

static void show(const char *text, unsigned length)
{
	for (unsigned i = 0; by_hand && i < length; i++)
		serial_write(text[i]);
}

/* Read a line without its end, or a frame. */
static enum input read_input(char *line, struct frame_receiver *receiver)
{
	static uint8_t byte; /* kept: the LF of CR LF comes when the line is done */
	unsigned length = 0;
	enum input input = LINE;

	for (;;) {
		uint8_t before = byte;
		enum frame_event event = frame_take(receiver, byte = serial_read());
		if (event == FRAME_IS_INSIDE)
			continue;
		if (event != FRAME_IS_TEXT) {
			by_hand = 0;
			return event == FRAME_IS_WHOLE ? FRAME : BROKEN;
		}
		if (byte == '\n' && before == '\r')
			continue;
		if (byte == '\n' || byte == '\r')
			break;
		if (byte == '\b' || byte == DELETE) {
			show("\b \b", length > 0 ? 3 : 0);
			length -= length > 0;
		} else if (byte < ' ' || byte > '~') {
			input = JUNK;
		} else if (length < LINE_BYTES - 1) {
			line[length++] = byte;
			show(&line[length - 1], 1);
		} else if (input == LINE) {
			input = LONG_LINE;
		}
	}
	if (byte == '\r' && !by_hand) {
		/* Typed blind until now. */
		by_hand = 1;
		show(line, length);
	}
	show("\r\n", 2);
	by_hand = byte == '\r';
	line[length] = 0;
	return input;
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

static void answer_text(enum input input, int noisy, char *line, const struct command *commands, unsigned count)
{
	/* The rest of a damaged frame may look like a command. */
	if (input == JUNK || (input == LINE && noisy))
		console_fail("there was noise on the line: say it again");
	else if (input == LINE)
		execute(line, commands, count);
	else
		console_fail("the line is too long");
}

void console_serve(const struct command *commands, unsigned count, struct protocol *protocol)
{
	static char line[LINE_BYTES];
	static struct frame_receiver receiver;
	enum input input = LINE;

	printf("@ready\n");
	for (;;) {
		int noisy = input == JUNK || input == BROKEN;
		serial_listen();
		/* The host may speak: a simulation stops its time until it does. */
		serial_write(FRAME_ENQ);
		input = read_input(line, &receiver);
		if (input == FRAME) {
			serial_heard();
			protocol_answer(protocol, &receiver.frame);
			serial_settle();
		}
		if (input == JUNK || input == BROKEN)
			protocol_answer_broken(protocol);
		if (input == FRAME || input == BROKEN)
			continue;
		serial_rest();
		answer_text(input, noisy, line, commands, count);
	}
}
