/* SPDX-License-Identifier: BSD-2-Clause */
/* What the host's frames ask for: models into memory, runs, single steps, counters, memory. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "model_format.h"
#include "protocol.h"

#define REQUEST_COUNT 10

extern const struct request requests[REQUEST_COUNT];

/* Return NULL where a model of this header fits this firmware, its accelerator and its memory, else a sentence. */
const char *model_refused(const struct model_header *header);

/* Whether a host has written to memory since the start: what lay there may be gone. */
int requests_have_memory(void);

#endif
