/* SPDX-License-Identifier: BSD-2-Clause */

#include "requests.h"

#include <generated/mem.h>
#include <stddef.h>
#include <string.h>

#include "accel_config.h"
#include "accelerator.h"
#include "board.h"
#include "clock.h"
#include "kernels.h"
#include "serial.h"
#include "steps.h"

#define MEMORY_END (MAIN_RAM_BASE + MAIN_RAM_SIZE)

static const struct model_header *const model = (const struct model_header *)MODEL_ADDRESS;

/* Whether the model in memory is whole and can be run, whether a host has ever written, and which step, of the CPU's layers or of the run's, may be next. */
static int accepted, written;
static uint32_t next_step, next_by_cpu;

static int is_within(uint32_t address, uint32_t bytes, uint32_t first)
{
	return address >= first && address <= MEMORY_END && bytes <= MEMORY_END - address;
}

/* Return NULL where a model of this header can lie and work in the memory, else a sentence. */
static const char *place_refused(const struct model_header *header)
{
	if (header->address != MODEL_ADDRESS)
		return "the model was compiled for another address: compile it again";
	if (!is_within(header->address, header->bytes, MODEL_ADDRESS) || header->read_limit > MEMORY_END || header->write_limit > MEMORY_END
	    || !is_within(header->input, header->input_bytes, MODEL_ADDRESS) || !is_within(header->output, header->output_bytes, MODEL_ADDRESS))
		return "the model and its tensors do not fit the memory of this board: choose a smaller model or batch";
	return NULL;
}

int requests_have_memory(void)
{
	return written;
}

const char *model_refused(const struct model_header *header)
{
	const char *refusal = accel_refuses(header);

	return refusal ? refusal : place_refused(header);
}

static void put_result(struct frame *answer, const struct run_result *result)
{
	struct frame_result words = {
		.error = result->accel.error, .step = result->step, .position = result->accel.position, .detail = result->accel.detail,
		.cycles = result->cycles, .end_to_end = result->end_to_end};

	memcpy(answer->payload, &words, answer->length = sizeof(words));
}

/* Return whether runs can use the model in memory; the answer is a refusal where not. `all`: by the CPU alone. */
static int model_is_ready(struct frame *answer, int all)
{
	const char *refusal = accepted ? steps_refused(model, all) : "no model has been accepted since the start or the last reset: load one";

	if (refusal)
		protocol_refuse(answer, refusal);
	return !refusal;
}

static void identify(const struct frame *request, struct frame *answer)
{
	struct frame_identity words = {
		.config = ACCEL_CONFIG, .model_version = MODEL_VERSION, .most_payload = FRAME_MOST_PAYLOAD, .memory_first = MODEL_ADDRESS,
		.memory_end = MEMORY_END, .clock_hz = BOARD_CLOCK_HZ, .baud = BOARD_BAUD};

	memcpy(answer->payload, &words, answer->length = sizeof(words));
}

static void offer(const struct frame *request, struct frame *answer)
{
	const struct model_header *header = (const struct model_header *)request->payload;
	const char *refusal = request->length == sizeof(*header) ? model_refused(header)
		: "the header of the model has another size than this firmware reads: compile the model again";

	if (refusal)
		protocol_refuse(answer, refusal);
}

static void write_memory(const struct frame *request, struct frame *answer)
{
	uint32_t address = protocol_word(request, 0), bytes = request->length - FRAME_WRITE_LEAST;

	if (!is_within(address, bytes, MODEL_ADDRESS)) {
		protocol_refuse(answer, "the bytes would lie outside the memory of models: write from MODEL_ADDRESS on, and less");
		return;
	}
	if (accepted && bytes && address - MODEL_ADDRESS < model->bytes)
		accepted = 0;
	written = 1;
	memcpy((void *)(uintptr_t)address, request->payload + FRAME_WRITE_LEAST, bytes);
}

static void accept(const struct frame *request, struct frame *answer)
{
	uint32_t bytes = protocol_word(request, 0);
	const char *refusal = NULL;

	accepted = 0;
	next_step = 0;
	if (!is_within(MODEL_ADDRESS, bytes, MODEL_ADDRESS) || bytes < sizeof(*model)
	    || frame_crc32(0, model, bytes) != protocol_word(request, 1))
		refusal = "the model in memory is not the one that was sent: load it again";
	else
		refusal = model_refused(model);
	if (!refusal && model->bytes != bytes)
		refusal = "the model is not as long as its header says: compile it again";
	if (!refusal)
		refusal = steps_refused(model, 0);
	if (refusal)
		protocol_refuse(answer, refusal);
	else
		accepted = 1;
}

static void run(const struct frame *request, struct frame *answer)
{
	struct run_result result = {0};

	if (!model_is_ready(answer, 0))
		return;
	next_step = 0;
	run_steps(model, &result);
	put_result(answer, &result);
}

static void run_layer_alone(uint32_t index, struct run_result *result)
{
	uint64_t start = now();

	*result = (struct run_result){.step = index};
	run_layer(model, (const struct model_layer *)(uintptr_t)model->table + index);
	result->cycles = result->end_to_end = now() - start;
}

static void step(const struct frame *request, struct frame *answer)
{
	uint32_t by_cpu = protocol_word(request, 0), index = protocol_word(request, 1);
	struct run_result result;

	if (!model_is_ready(answer, by_cpu))
		return;
	if (index && (index != next_step || by_cpu != next_by_cpu || index >= (by_cpu ? model->layers : model->steps))) {
		protocol_refuse(answer, "the step is not the next one: begin again with step 0");
		return;
	}
	if (by_cpu)
		run_layer_alone(index, &result);
	else
		run_step(model, index, &result);
	next_step = result.accel.error ? 0 : index + 1;
	next_by_cpu = by_cpu;
	put_result(answer, &result);
}

/* Append word `value` to the answer. */
static void put_word(struct frame *answer, uint32_t value)
{
	memcpy(answer->payload + answer->length, &value, sizeof(value));
	answer->length += sizeof(value);
}

static void counters(const struct frame *request, struct frame *answer)
{
	uint32_t table = protocol_word(request, 0), i = protocol_word(request, 1);

	if (!model_is_ready(answer, 0))
		return;
	if (table == FRAME_TABLE_STEPS)
		for (; i < model->steps && answer->length + 2 * sizeof(uint32_t) <= FRAME_MOST_PAYLOAD; i++) {
			put_word(answer, step_cycles[i]);
			put_word(answer, step_checksum(model, i));
		}
	else if (table == FRAME_TABLE_RECORDS)
		for (; i < model->records && answer->length + ACCEL_RECORD_FIELDS * sizeof(uint32_t) <= FRAME_MOST_PAYLOAD; i++)
			for (unsigned field = 0; field < ACCEL_RECORD_FIELDS; field++)
				put_word(answer, accel_record(i, field));
	else
		protocol_refuse(answer, "there is no such table of counters: build the firmware again");
}

static void read_memory(const struct frame *request, struct frame *answer)
{
	uint32_t address = protocol_word(request, 0), bytes = protocol_word(request, 1);

	if (bytes > FRAME_MOST_PAYLOAD || !is_within(address, bytes, MAIN_RAM_BASE))
		protocol_refuse(answer, "the bytes lie outside the memory, or are more than a frame holds: read less");
	else
		memcpy(answer->payload, (const void *)(uintptr_t)address, answer->length = bytes);
}

static void reset(const struct frame *request, struct frame *answer)
{
	accepted = 0;
	next_step = 0;
	for (unsigned plane = 0; plane < ACCEL_FILTER_WORDS; plane++)
		accel_set_filters(plane, ~0u);
}

static void speed(const struct frame *request, struct frame *answer)
{
	const char *refusal = serial_plan_rate(protocol_word(request, 0));

	if (refusal)
		protocol_refuse(answer, refusal);
}

#define REQUEST(name, function) {FRAME_##name, FRAME_##name##_LEAST, FRAME_##name##_MOST, function}

const struct request requests[REQUEST_COUNT] = {
	REQUEST(IDENTIFY, identify),
	REQUEST(OFFER, offer),
	REQUEST(WRITE, write_memory),
	REQUEST(ACCEPT, accept),
	REQUEST(RUN, run),
	REQUEST(STEP, step),
	REQUEST(COUNTERS, counters),
	REQUEST(READ, read_memory),
	REQUEST(RESET, reset),
	REQUEST(SPEED, speed),
};
