/* SPDX-License-Identifier: BSD-2-Clause */
/* The UART without interrupts, which loses nothing however fast the line is: its own buffer stops a line that can wait, as the simulated one, where
 * libbase's ring, filled by interrupts, loses what it cannot hold. printf needs libbase's. */
#ifndef SERIAL_H
#define SERIAL_H

#include <stdint.h>

/* Take the UART from libbase; all output has been sent before. */
void serial_listen(void);

/* Give it back to libbase, and so to printf. */
void serial_rest(void);

/* Wait for a byte and return it. Only between serial_listen and serial_rest. */
uint8_t serial_read(void);

/* Send a byte. Only between serial_listen and serial_rest. */
void serial_write(uint8_t byte);

/* Let the line have another rate from the next serial_settle on. Return NULL, or a sentence where it cannot have it. */
const char *serial_plan_rate(uint32_t baud);

/* Take the rate that was planned, when all that was sent is out. Any but the first one holds only while frames are heard at it: where half a second after
 * the change, or after the first byte since the last good frame, none has come, the line goes back, so that no host is left alone. */
void serial_settle(void);

/* A good frame has come. */
void serial_heard(void);

#endif
