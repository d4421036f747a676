// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// How much of a packet is copied, and the records it becomes.
#pragma once

// One record to be: its head and where its payload lies in the packet.
struct piece {
	struct record_head head;
	__u32 offset;
};

// Hands on a piece in a record of the given size. False if the ring is full. Room must be reserved
// in constant sizes, and the reader is woken by nobody: it looks often enough.
#define EMIT(SIZE)                                                                        \
	static __always_inline bool emit_##SIZE(struct __sk_buff *skb, const struct piece *p) \
	{                                                                                 \
		struct { struct record_head head; __u8 payload[SIZE]; } *r;               \
		__u64 n = p->head.captured;                                               \
		r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);                         \
		if (!r)                                                                   \
			return false;                                                     \
		r->head = p->head;                                                        \
		if (n > 0 && !load(skb, p->offset, r->payload, n, SIZE))                  \
			r->head.captured = 0;                                             \
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);                                  \
		return true;                                                              \
	}

EMIT(64)
EMIT(256)
EMIT(1024)
EMIT(4096)

static __always_inline bool emit(struct __sk_buff *skb, const struct piece *p)
{
	if (p->head.captured <= 64)
		return emit_64(skb, p);
	if (p->head.captured <= 256)
		return emit_256(skb, p);
	if (p->head.captured <= 1024)
		return emit_1024(skb, p);
	return emit_4096(skb, p);
}

// Passes bytes over that are told of later. The first record says where its stream began by what
// was lost before it, so until then there is nothing else.
static __always_inline void pass_over(struct tap_counters *c, struct direction_state *d, __u32 n)
{
	if (d->begun) {
		d->silent += n;
		return;
	}
	c->bytes_lost += n;
	d->lost += n;
}

// Books what became of a record: `n` bytes were to be copied with it, `rest` not.
static __always_inline void book(struct tap_counters *c, struct direction_state *d, __u32 n,
				 __u32 rest, bool emitted)
{
	if (emitted) {
		c->bytes_copied += n;
		d->silent = 0;
		d->lost = 0;
		d->begun = 1;
		return;
	}
	c->bytes_lost += n;
	c->records_lost++;
	d->lost += n;
	// What was not to be copied is still to be told of, if nothing follows.
	if (n > 0 || !d->begun)
		pass_over(c, d, rest);
}

// What one packet becomes when it does not fit one record.
static __noinline int emit_large(struct __sk_buff *skb, struct direction_state *d,
				 const struct piece *whole, __u32 n)
{
	struct tap_counters *c = counter();

	if (!whole || !d || !c)
		return 0;
	struct piece p = *whole;
	for (int i = 0; i < PIECES_MAX && n > 0; i++) {
		__u32 bytes = n < 4096 ? n : 4096;
		bool last = bytes == n;

		p.head.captured = bytes;
		p.head.length = last ? whole->head.length - (p.head.sequence - whole->head.sequence)
				     : bytes;
		p.head.flags = last ? whole->head.flags : 0;
		p.head.lost_before = d->lost;
		p.head.begins = !d->begun && whole->head.begins;
		book(c, d, bytes, p.head.length - bytes, emit_4096(skb, &p));
		p.head.sequence += bytes;
		p.offset += bytes;
		n -= bytes;
	}
	// More than the pieces hold (BIG TCP) was not copied, and is told of as skipped.
	pass_over(c, d, n);
	return 0;
}
