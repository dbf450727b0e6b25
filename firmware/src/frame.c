/* SPDX-License-Identifier: BSD-2-Clause */

#include "frame.h"

#include <string.h>

_Static_assert(__builtin_offsetof(struct frame, payload) == FRAME_HEAD_BYTES, "the head lies as it goes over the line");

/* A table of 16 rather than 256 entries leaves the data cache to the data. */
uint32_t frame_crc32(uint32_t crc, const void *data, uint32_t count)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	const uint8_t *bytes = data;

	crc = ~crc;
	for (uint32_t i = 0; i < count; i++) {
		crc ^= bytes[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

uint32_t frame_crc(const struct frame *frame)
{
	return frame_crc32(0, frame, FRAME_HEAD_BYTES + frame->length);
}

static int is_whole(const struct frame_receiver *receiver)
{
	const struct frame *frame = &receiver->frame;
	uint32_t crc;

	if (receiver->overrun || receiver->escaped || receiver->count < FRAME_HEAD_BYTES + FRAME_CRC_BYTES)
		return 0;
	if (frame->length != receiver->count - FRAME_HEAD_BYTES - FRAME_CRC_BYTES)
		return 0;
	memcpy(&crc, frame->payload + frame->length, sizeof(crc));
	return crc == frame_crc(frame);
}

enum frame_event frame_take(struct frame_receiver *receiver, uint8_t byte)
{
	if (byte == FRAME_START) {
		receiver->inside = 1;
		receiver->count = receiver->escaped = receiver->overrun = 0;
		return FRAME_IS_INSIDE;
	}
	if (!receiver->inside)
		return FRAME_IS_TEXT;
	if (byte == '\n') {
		receiver->inside = 0;
		return is_whole(receiver) ? FRAME_IS_WHOLE : FRAME_IS_BROKEN;
	}
	if (byte == FRAME_ESCAPE && !receiver->escaped) {
		receiver->escaped = 1;
		return FRAME_IS_INSIDE;
	}
	if (receiver->escaped)
		byte ^= FRAME_FLIP;
	receiver->escaped = 0;
	if (receiver->count < FRAME_HEAD_BYTES + sizeof(receiver->frame.payload))
		((uint8_t *)&receiver->frame)[receiver->count++] = byte;
	else
		receiver->overrun = 1;
	return FRAME_IS_INSIDE;
}

static void put_bytes(const void *data, uint32_t count, void (*put)(uint8_t byte))
{
	const uint8_t *bytes = data;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t byte = bytes[i];
		if (byte == FRAME_START || byte == FRAME_ESCAPE || byte == FRAME_ENQ || byte == '\n' || byte == '\r') {
			put(FRAME_ESCAPE);
			byte ^= FRAME_FLIP;
		}
		put(byte);
	}
}

void frame_send(struct frame *frame, void (*put)(uint8_t byte))
{
	uint32_t crc;

	frame->protocol = FRAME_PROTOCOL;
	crc = frame_crc(frame);
	put(FRAME_START);
	put_bytes(frame, FRAME_HEAD_BYTES + frame->length, put);
	put_bytes(&crc, sizeof(crc), put);
	put('\n');
}
