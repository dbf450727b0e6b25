/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames on the line between host and firmware, as firmware/frames.py describes them. Nothing here touches hardware. */
#ifndef FRAME_H
#define FRAME_H

#include <stdint.h>

#include "frame_format.h"

#define FRAME_HEAD_BYTES 8
#define FRAME_CRC_BYTES 4

/* A frame's body as it goes over the line, little endian as the machine; its CRC lies right behind the `length` bytes of payload. */
struct frame {
	uint8_t kind, protocol;
	uint16_t length;
	uint32_t sequence;
	uint8_t payload[FRAME_MOST_PAYLOAD + FRAME_CRC_BYTES] __attribute__((aligned(4)));
};

enum frame_event {
	FRAME_IS_TEXT,   /* the byte belongs to no frame */
	FRAME_IS_INSIDE, /* more is to come */
	FRAME_IS_WHOLE,  /* the byte ended a frame with a good CRC, now in `frame` */
	FRAME_IS_BROKEN, /* the byte ended what is no frame */
};

/* Zeros at first. */
struct frame_receiver {
	struct frame frame;
	uint32_t count; /* bytes of the body that have come */
	uint8_t inside, escaped, overrun;
};

/* Continue the CRC-32 `crc`, 0 at first, over `count` more bytes. */
uint32_t frame_crc32(uint32_t crc, const void *data, uint32_t count);

/* The CRC-32 of a frame's head and payload. */
uint32_t frame_crc(const struct frame *frame);

/* Take a byte of the line. */
enum frame_event frame_take(struct frame_receiver *receiver, uint8_t byte);

/* Send a frame, byte by byte through `put`; the protocol's version is filled in. */
void frame_send(struct frame *frame, void (*put)(uint8_t byte));

#endif
