// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// The key-log probe: takes one secret of a TLS handshake where the program hands it to its key
// log.
//
// It is attached to one process at one instruction, which the loader has proven, and reads only
// that process's memory. Which register holds what comes with the probe, as the number of a row of
// `anchors`. A label is told by its address, not by its text: nobody may have touched that page
// yet, and a probe cannot wait for it.
//
// Secrets lie in slots that user space has mapped, so that it can wipe them.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
#include "keylog.h"
#include "scope.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// struct pt_regs of x86-64.
struct registers {
	__u64 general[15]; // r15 … rdi
	__u64 original_rax;
	__u64 rip, cs, flags, rsp, ss;
};

// Written before the programs are loaded.
const volatile struct keylog_settings settings;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KEYLOG_ANCHORS_MAX);
	__type(key, __u32);
	__type(value, struct keylog_anchor);
} anchors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KEYLOG_SLOTS);
	__type(key, __u32);
	__type(value, struct keylog_secret);
} secrets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct keylog_counters);
} counters SEC(".maps");

// For kernels before 5.12: how many are at a slot just now, and where registers can be looked up.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KEYLOG_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} crowds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[KEYLOG_REGISTERS]);
} registers SEC(".maps");

static __always_inline bool is_within(struct keylog_counters *c)
{
	if (is_in_scope(settings.cgroup_count))
		return true;
	__sync_fetch_and_add(&c->outside, 1);
	return false;
}

// The number of the label, or KEYLOG_NOWHERE for one that opens no record.
static __always_inline __u8 label_of(const struct keylog_anchor *a, __s64 distance)
{
	for (int i = 0; i < KEYLOG_LABELS_MAX; i++) {
		if (i < a->labels && a->distances[i] == distance)
			return a->numbers[i];
	}
	return KEYLOG_NOWHERE;
}

static __always_inline bool read_random(struct keylog_secret *s, const struct keylog_anchor *a,
					const __u64 *values)
{
	if (a->random == KEYLOG_NOWHERE)
		return false;
	__u64 at = values[a->random & (KEYLOG_REGISTERS - 1)];

	if (a->is_through && bpf_probe_read_user(&at, sizeof(at), (void *)(at + a->through)))
		return false;
	return !bpf_probe_read_user(s->random, sizeof(s->random), (void *)(at + a->random_at));
}

// Writes the secret into a slot that is this run's alone.
static __always_inline void fill(struct keylog_secret *s, struct registers *ctx, __u32 label,
				 __u64 length, const __u64 *values, const struct keylog_anchor *a,
				 struct keylog_counters *c)
{
	// Kernel 6.1 forgets over a spill that it was compared.
	asm volatile("" : "+r"(length));
	if (length > KEYLOG_SECRET_MAX)
		length = KEYLOG_SECRET_MAX;
	void *secret = (void *)values[a->secret & (KEYLOG_REGISTERS - 1)];
	if (bpf_probe_read_user(s->secret, length, secret)) {
		__sync_fetch_and_add(&c->unreadable, 1);
		s->state = KEYLOG_FREE;
		return;
	}
	s->has_random = read_random(s, a, values);
	s->at = bpf_ktime_get_ns();
	s->pid = bpf_get_current_pid_tgid() >> 32;
	s->length = length;
	s->label = label;
	// An addition is a full barrier: who sees the state sees the rest.
	__sync_fetch_and_add(&s->state, KEYLOG_READY - KEYLOG_WRITING);
	__sync_fetch_and_add(&c->published, 1);
}

// The next slot, if it is free.
static __always_inline struct keylog_secret *claim(struct keylog_counters *c)
{
	__u32 slot = __sync_fetch_and_add(&c->claimed, 1) & (KEYLOG_SLOTS - 1);
	struct keylog_secret *s = bpf_map_lookup_elem(&secrets, &slot);

	if (!s)
		return 0;
	__u32 state = __sync_val_compare_and_swap(&s->state, KEYLOG_FREE, KEYLOG_WRITING);
	return state == KEYLOG_FREE ? s : 0;
}

// What the probe's registers say of label and length; KEYLOG_NOWHERE if there is nothing to take.
static __always_inline __u32 look(struct registers *ctx, const struct keylog_anchor *a,
				  struct keylog_counters *c, __u64 *values, __u64 *length)
{
	for (int i = 0; i < 15; i++)
		values[i] = ctx->general[i];
	values[15] = ctx->rsp;
	__u32 label = label_of(a, values[a->label & (KEYLOG_REGISTERS - 1)] - ctx->rip);
	if (label == KEYLOG_NOWHERE)
		return label;
	if (a->length != KEYLOG_NOWHERE)
		*length = values[a->length & (KEYLOG_REGISTERS - 1)];
	else
		bpf_probe_read_user(length, sizeof(*length), (void *)(ctx->rsp + a->length_at));
	// GnuTLS passes 32 bits; the other half of the register is anything.
	*length &= 0xffffffff;
	if (*length < KEYLOG_SECRET_MIN || *length > KEYLOG_SECRET_MAX) {
		__sync_fetch_and_add(&c->unreadable, 1);
		return KEYLOG_NOWHERE;
	}
	return label;
}

static __always_inline int fired(struct registers *ctx)
{
	__u32 zero = 0, row = bpf_get_attach_cookie(ctx);
	struct keylog_counters *c = bpf_map_lookup_elem(&counters, &zero);
	const struct keylog_anchor *a = bpf_map_lookup_elem(&anchors, &row);
	__u64 values[KEYLOG_REGISTERS], length = 0;

	if (!c || !a || !is_within(c))
		return 0;
	__u32 label = look(ctx, a, c, values, &length);
	if (label == KEYLOG_NOWHERE)
		return 0;
	struct keylog_secret *s = claim(c);
	if (s)
		fill(s, ctx, label, length, values, a, c);
	else
		__sync_fetch_and_add(&c->lost, 1);
	return 0;
}

// The same twice: how it is attached is a property of the program.
SEC("uprobe")
int keylog(struct registers *ctx)
{
	return fired(ctx);
}

SEC("uprobe.multi")
int keylog_multi(struct registers *ctx)
{
	return fired(ctx);
}

// For kernels before 5.15, where a probe has no number; before 5.12 an addition does not tell what
// was there, and the stack cannot be indexed. A kernel so old lets nobody else run on this
// processor meanwhile.
SEC("uprobe")
int keylog_old(struct registers *ctx)
{
	__u32 zero = 0, row = settings.row;
	struct keylog_counters *c = bpf_map_lookup_elem(&counters, &zero);
	const struct keylog_anchor *a = bpf_map_lookup_elem(&anchors, &row);
	__u64 *values = bpf_map_lookup_elem(&registers, &zero), length = 0;

	if (!c || !a || !values || !is_within(c))
		return 0;
	__u32 label = look(ctx, a, c, values, &length);
	if (label == KEYLOG_NOWHERE)
		return 0;
	// Two processors may read the same count; far apart, for a thread changes its processor.
	__u32 slot = *(volatile __u64 *)&c->claimed + bpf_get_smp_processor_id() * 97;
	slot &= KEYLOG_SLOTS - 1;
	struct keylog_secret *s = bpf_map_lookup_elem(&secrets, &slot);
	__u64 *crowd = bpf_map_lookup_elem(&crowds, &slot);
	if (!s || !crowd)
		return 0;
	__sync_fetch_and_add(&c->claimed, 1);
	__sync_fetch_and_add(crowd, 1);
	// Who is not alone leaves it.
	if (*(volatile __u64 *)crowd == 1 && *(volatile __u32 *)&s->state == KEYLOG_FREE) {
		s->state = KEYLOG_WRITING;
		fill(s, ctx, label, length, values, a, c);
	} else {
		__sync_fetch_and_add(&c->lost, 1);
	}
	__sync_fetch_and_add(crowd, -1);
	return 0;
}
