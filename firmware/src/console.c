/* SPDX-License-Identifier: BSD-2-Clause */

#include "console.h"

#include <generated/csr.h>
#include <libbase/uart.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 80

/* JUNK is a line that is no text, BROKEN what began as a frame. */
enum input { LINE, LONG_LINE, JUNK, BROKEN, FRAME };

static int failed;

void console_fail(const char *sentence)
{
	failed = 1;
	printf("@error %s\n", sentence);
}

/* Wait for a byte. The UART's own buffer stops a faster line, as the simulated one, where libbase's, filled by interrupts, would lose bytes. */
static uint8_t read_byte(void)
{
	uint8_t byte;

	while (uart_rxempty_read())
		;
	byte = uart_rxtx_read();
	uart_ev_pending_write(UART_EV_RX);
	return byte;
}

/* Read a line without its end, or a frame. ENQ says that the host may speak: a simulation stops its time until it does. */
static enum input read_input(char *line, struct frame_receiver *receiver)
{
	unsigned length = 0;
	enum input input = LINE;

	putchar(FRAME_ENQ);
	for (;;) {
		uint8_t byte = read_byte();
		enum frame_event event = frame_take(receiver, byte);
		if (event == FRAME_IS_INSIDE)
			continue;
		if (event != FRAME_IS_TEXT)
			return event == FRAME_IS_WHOLE ? FRAME : BROKEN;
		if (byte == '\n')
			break;
		if (byte == '\r')
			continue;
		if (byte < ' ' || byte > '~')
			input = JUNK;
		else if (length < LINE_BYTES - 1)
			line[length++] = byte;
		else if (input == LINE)
			input = LONG_LINE;
	}
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

void console_serve(const struct command *commands, unsigned count, struct protocol *protocol)
{
	static char line[LINE_BYTES];
	static struct frame_receiver receiver;
	int noisy = 0;

	uart_ev_enable_write(UART_EV_TX);
	printf("@ready\n");
	for (;;) {
		enum input input = read_input(line, &receiver);
		if (input == JUNK || input == BROKEN)
			protocol_answer_broken(protocol);
		/* The rest of a damaged frame may look like a command. */
		if (input == JUNK || (input == LINE && noisy))
			console_fail("there was noise on the line: say it again");
		else if (input == LINE)
			execute(line, commands, count);
		else if (input == LONG_LINE)
			console_fail("the line is too long");
		else if (input == FRAME)
			protocol_answer(protocol, &receiver.frame);
		noisy = input == JUNK || input == BROKEN;
	}
}
