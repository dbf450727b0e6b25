/* SPDX-License-Identifier: BSD-2-Clause */
/* What the host's frames ask for: models into memory, runs, single steps, counters, memory. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "protocol.h"

#define REQUEST_COUNT 10

extern const struct request requests[REQUEST_COUNT];

#endif
