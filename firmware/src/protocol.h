/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware's side of the framed protocol: each request is executed once, however often it comes. Nothing here touches hardware. */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include "frame.h"

/* A request of `kind` has a payload of `least` to `most` bytes. `execute` makes the answer, which is DONE and empty before, or refuses. */
struct request {
	uint8_t kind;
	uint16_t least, most;
	void (*execute)(const struct frame *request, struct frame *answer);
};

struct protocol {
	const struct request *requests;
	unsigned count;
	void (*put)(uint8_t byte);
	/* Zeros at first. What was executed last, and its answer, for the case that it comes again. */
	int answered;
	uint32_t request_crc;
	struct frame answer;
};

/* Make `answer` a refusal, with the sentence that says why. */
void protocol_refuse(struct frame *answer, const char *sentence);

/* Word `index` of a payload. */
uint32_t protocol_word(const struct frame *frame, unsigned index);

/* Answer a frame with a good CRC. */
void protocol_answer(struct protocol *protocol, const struct frame *request);

/* Say that something came that was no frame, so that the host need not wait before it repeats it. */
void protocol_answer_broken(struct protocol *protocol);

#endif
