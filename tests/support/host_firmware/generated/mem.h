/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEM_H
#define MEM_H

#define MAIN_RAM_BASE 0x40000000u
#define MAIN_RAM_SIZE 0x02000000u
#define ACCELERATOR_BASE 0x80000000u

#endif
