// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// The plaintext probes: what a TLS library's functions were given or gave, and of which connection.
//
// They are attached to single processes at instructions that the loader has proven. Between entry
// and return of such a function its thread sends or receives by a descriptor; which connection that
// is stands in the kernel's own tables. A call without one of its own (the record was read before)
// belongs to the connection of the object's last one, if its descriptor is still the same.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
#include <stddef.h>
#include "../keylog.h"
#include "../scope.h"
#include "../../wire/record.h"
#include "../../wire/packet.h"
#include "hooks.h"
#include "socket.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// struct pt_regs of x86-64, as far as it is needed.
struct registers {
	__u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
};

// A call under way.
struct call {
	__u64 object;
	__u64 buffer;
	__u64 length_at; // pointer to where the length is left, or 0: it is returned
	__u64 at;        // when its first bytes were sent
	struct whose whose;
	__u32 fd;
	__u8 is_write;
	__u8 is_bound;
};

// What an object was last seen to be.
struct object {
	__u64 address;
	__u64 pid;
};

struct binding {
	struct whose whose;
	__u64 told[2]; // bytes read and written
	__u64 fd;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); // thread
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct object);
	__type(value, struct binding);
} bindings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} plaintext SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hook_counters);
} hook_counters SEC(".maps");

static __always_inline struct hook_counters *counter(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&hook_counters, &zero);
}

#define ADD(field, by) __sync_fetch_and_add(&(field), by)

// Hands on at most `room` bytes of a call. The kernel wants to know a record's size beforehand.
#define EMIT(room)                                                                                 \
	do {                                                                                       \
		struct {                                                                           \
			struct hook_record head;                                                   \
			__u8 bytes[room];                                                          \
		} *r = bpf_ringbuf_reserve(&plaintext, sizeof(*r), 0);                             \
		if (!r) {                                                                          \
			ADD(c->lost, n);                                                           \
			return;                                                                    \
		}                                                                                  \
		r->head = *head;                                                                   \
		__u32 captured = n < (room) ? n : (room);                                          \
		if (bpf_probe_read_user(r->bytes, captured, buffer)) {                             \
			ADD(c->unreadable, n);                                                     \
			captured = 0;                                                              \
		}                                                                                  \
		r->head.captured = captured;                                                       \
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);                                           \
	} while (0)

static __always_inline void hand_on(struct hook_counters *c, const struct hook_record *head,
				    const void *buffer)
{
	__u32 n = head->length;

	if (n <= 512)
		EMIT(512);
	else if (n <= 4096)
		EMIT(4096);
	else
		EMIT(HOOK_BYTES_MAX);
}

static __always_inline bool is_same(const struct whose *a, const struct whose *b)
{
	return a->connection == b->connection && a->backward == b->backward;
}

// The binding of the call's object, made or found; NULL if its connection is not known.
static __always_inline struct binding *bound(const struct call *call, const struct object *object)
{
	struct binding *b = bpf_map_lookup_elem(&bindings, object);
	struct whose now;

	if (!call->is_bound) {
		if (b && whose_is(b->fd, &now) && is_same(&now, &b->whose))
			return b;
		if (b)
			bpf_map_delete_elem(&bindings, object);
		return NULL;
	}
	if (b && is_same(&call->whose, &b->whose)) {
		b->fd = call->fd;
		return b;
	}
	struct binding fresh = { .whose = call->whose, .fd = call->fd };

	bpf_map_update_elem(&bindings, object, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&bindings, object);
}

static __always_inline __u32 bytes_of(const struct call *call, __s32 returned)
{
	__u64 length = 0;

	if (returned <= 0)
		return 0;
	if (!call->length_at)
		return returned;
	bpf_probe_read_user(&length, sizeof(length), (void *)call->length_at);
	return length < (1u << 30) ? length : 0;
}

static __always_inline void begin(struct registers *ctx, __u64 thread, __u64 what)
{
	struct call call = {
		.object = ctx->rdi,
		.buffer = ctx->rsi,
		.length_at = what & HOOK_LENGTH_AT_POINTER ? ctx->rcx : 0,
		.is_write = (what & HOOK_KIND) == HOOK_WRITE,
	};

	bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
}

// The first TCP connection that the call sends or receives by.
static __always_inline void bind(struct registers *ctx, __u64 thread)
{
	struct call *call = bpf_map_lookup_elem(&calls, &thread);

	if (!call || call->is_bound || !whose_is((__u32)ctx->rdi, &call->whose))
		return;
	call->fd = ctx->rdi;
	call->at = bpf_ktime_get_ns();
	call->is_bound = 1;
}

static __always_inline int enter(struct registers *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid(), what = bpf_get_attach_cookie(ctx);
	struct hook_counters *c = counter();

	if (!c)
		return 0;
	ADD(c->traps, 1);
	if ((what & HOOK_KIND) == HOOK_SOCKET) {
		bind(ctx, thread);
	} else if ((what & HOOK_KIND) == HOOK_FORGET) {
		struct object object = { .address = ctx->rdi, .pid = thread >> 32 };
		bpf_map_delete_elem(&bindings, &object);
	} else {
		begin(ctx, thread, what);
	}
	return 0;
}

static __always_inline int leave(struct registers *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct hook_counters *c = counter();
	struct call *under_way = bpf_map_lookup_elem(&calls, &thread);

	if (!c)
		return 0;
	ADD(c->traps, 1);
	if (!under_way)
		return 0;
	struct call call = *under_way;
	bpf_map_delete_elem(&calls, &thread);
	__u32 n = bytes_of(&call, ctx->rax);
	if (!n)
		return 0;
	if (!is_in_scope(settings.cgroups)) {
		ADD(c->outside, 1);
		return 0;
	}
	ADD(c->calls, 1);
	ADD(c->bytes, n);
	struct object object = { .address = call.object, .pid = thread >> 32 };
	struct binding *b = bound(&call, &object);
	if (!b) {
		ADD(c->unbound, n);
		return 0;
	}
	struct hook_record head = {
		.connection = b->whose.connection,
		// What was written went out within the call; what was read is known now.
		.at = call.is_write && call.is_bound ? call.at : bpf_ktime_get_ns(),
		.before = ADD(b->told[call.is_write & 1], n),
		.pid = thread >> 32,
		.length = n,
		.backward = b->whose.backward ^ !call.is_write,
	};

	hand_on(c, &head, (const void *)call.buffer);
	return 0;
}

SEC("uprobe.multi")
int hook_enter(struct registers *ctx)
{
	return enter(ctx);
}

SEC("uretprobe.multi")
int hook_leave(struct registers *ctx)
{
	return leave(ctx);
}
