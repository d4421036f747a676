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

// Before the programs are loaded: cgroups of the scope; none is the whole host.
const volatile __u32 cgroup_count;

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

static __always_inline int take(struct registers *ctx, const struct keylog_anchor *a,
				struct keylog_counters *c)
{
	__u64 values[KEYLOG_REGISTERS];

	for (int i = 0; i < 15; i++)
		values[i] = ctx->general[i];
	values[15] = ctx->rsp;
	__u8 label = label_of(a, values[a->label & (KEYLOG_REGISTERS - 1)] - ctx->rip);
	if (label == KEYLOG_NOWHERE)
		return 0;
	__u64 length = 0;
	if (a->length != KEYLOG_NOWHERE)
		length = values[a->length & (KEYLOG_REGISTERS - 1)];
	else
		bpf_probe_read_user(&length, sizeof(length), (void *)(ctx->rsp + a->length_at));
	// GnuTLS passes 32 bits; the other half of the register is anything.
	length &= 0xffffffff;
	if (length < KEYLOG_SECRET_MIN || length > KEYLOG_SECRET_MAX) {
		__sync_fetch_and_add(&c->unreadable, 1);
		return 0;
	}
	__u32 slot = __sync_fetch_and_add(&c->claimed, 1) & (KEYLOG_SLOTS - 1);
	struct keylog_secret *s = bpf_map_lookup_elem(&secrets, &slot);
	if (!s)
		return 0;
	__u32 state = __sync_val_compare_and_swap(&s->state, KEYLOG_FREE, KEYLOG_WRITING);
	if (state != KEYLOG_FREE) {
		__sync_fetch_and_add(&c->lost, 1);
		return 0;
	}
	void *secret = (void *)values[a->secret & (KEYLOG_REGISTERS - 1)];
	if (bpf_probe_read_user(s->secret, length, secret)) {
		__sync_fetch_and_add(&c->unreadable, 1);
		s->state = KEYLOG_FREE;
		return 0;
	}
	s->has_random = read_random(s, a, values);
	s->at = bpf_ktime_get_ns();
	s->pid = bpf_get_current_pid_tgid() >> 32;
	s->length = length;
	s->label = label;
	// Full barriers: who sees the count sees the state, who sees that sees the rest.
	__sync_lock_test_and_set(&s->state, KEYLOG_READY);
	__sync_fetch_and_add(&c->published, 1);
	return 0;
}

static __always_inline int fired(struct registers *ctx)
{
	__u32 zero = 0, row = bpf_get_attach_cookie(ctx);
	struct keylog_counters *c = bpf_map_lookup_elem(&counters, &zero);
	const struct keylog_anchor *a = bpf_map_lookup_elem(&anchors, &row);

	if (!c || !a)
		return 0;
	if (!is_in_scope(cgroup_count)) {
		__sync_fetch_and_add(&c->outside, 1);
		return 0;
	}
	return take(ctx, a, c);
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
