/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a model binary's layers by the firmware's CPU kernels on the host: MODEL IMAGE END OUTPUT, memory from MODEL_ADDRESS to END goes to OUTPUT.
 * Prints the checksum of each layer's output. */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernels.h"

static void read_to(const char *path, uint8_t *place)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		exit(1);
	while (1) {
		size_t count = fread(place, 1, 1 << 16, file);
		if (!count)
			break;
		place += count;
	}
	fclose(file);
}

int main(int count, char **arguments)
{
	uint32_t size = strtoul(arguments[3], 0, 0) - MODEL_ADDRESS;
	uint8_t *memory = mmap((void *)MODEL_ADDRESS, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	const struct model_header *model = (const struct model_header *)memory;
	FILE *output;

	if (count != 5 || memory != (uint8_t *)MODEL_ADDRESS)
		return 1;
	/* DRAM is not zeros at first. */
	memset(memory, 0xa5, size);
	read_to(arguments[1], memory);
	read_to(arguments[2], (uint8_t *)(uintptr_t)model->input);
	for (uint32_t i = 0; i < model->layers; i++) {
		const struct model_layer *layer = (const struct model_layer *)(uintptr_t)model->table + i;
		run_layer(model, layer);
		printf("%lu\n", (unsigned long)output_checksum(layer));
	}
	output = fopen(arguments[4], "wb");
	return !output || fwrite(memory, 1, size, output) != size || fclose(output);
}
