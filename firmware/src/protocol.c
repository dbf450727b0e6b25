/* SPDX-License-Identifier: BSD-2-Clause */

#include "protocol.h"

#include <stddef.h>
#include <string.h>

void protocol_refuse(struct frame *answer, const char *sentence)
{
	answer->kind = FRAME_REFUSED;
	answer->length = strlen(sentence);
	memcpy(answer->payload, sentence, answer->length);
}

uint32_t protocol_word(const struct frame *frame, unsigned index)
{
	uint32_t word;

	memcpy(&word, frame->payload + 4 * index, sizeof(word));
	return word;
}

static void execute(const struct protocol *protocol, const struct frame *request, struct frame *answer)
{
	if (request->protocol != FRAME_PROTOCOL) {
		protocol_refuse(answer, "the host speaks another version of the protocol than the firmware: build the firmware again");
		return;
	}
	for (unsigned i = 0; i < protocol->count; i++) {
		const struct request *known = &protocol->requests[i];
		if (known->kind != request->kind)
			continue;
		if (request->length < known->least || request->length > known->most)
			protocol_refuse(answer, "the request has another size than this firmware takes: build the firmware again");
		else
			known->execute(request, answer);
		return;
	}
	protocol_refuse(answer, "this firmware does not know the request: build the firmware again");
}

void protocol_answer(struct protocol *protocol, const struct frame *request)
{
	struct frame *answer = &protocol->answer;
	uint32_t crc = frame_crc(request);

	/* The CRC is part of the question: the sequence number alone could be that of an earlier host by chance. */
	if (!protocol->answered || answer->sequence != request->sequence || protocol->request_crc != crc) {
		answer->kind = FRAME_DONE;
		answer->length = 0;
		answer->sequence = request->sequence;
		execute(protocol, request, answer);
		protocol->answered = 1;
		protocol->request_crc = crc;
	}
	frame_send(answer, protocol->put);
}

void protocol_answer_broken(struct protocol *protocol)
{
	/* Not protocol->answer, which must be kept; the payload is never read. */
	static struct frame broken = {.kind = FRAME_BROKEN};

	frame_send(&broken, protocol->put);
}
