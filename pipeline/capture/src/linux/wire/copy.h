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
		if (emit_4096(skb, &p)) {
			c->bytes_copied += bytes;
			d->lost = 0;
			d->silent = 0;
		} else {
			c->bytes_lost += bytes;
			c->records_lost++;
			d->lost += bytes;
			d->silent += p.head.length - bytes;
		}
		p.head.sequence += bytes;
		p.offset += bytes;
		n -= bytes;
	}
	// More than the pieces hold (BIG TCP) was not copied, and is told of as skipped.
	d->silent += n;
	return 0;
}

// How many bytes of this packet to copy, and from where: what the budget and user space say.
static __always_inline __u32 wanted(struct socket_state *s, struct direction_state *d,
				    bool backward, struct segment *t, __u32 *from)
{
	__u32 sequence = t->sequence, length = t->length;
	__u32 slot = s->connection & (STEERING_SLOTS - 1);
	struct steering *wish = bpf_map_lookup_elem(&steering, &slot);
	bool everything = false;

	*from = 0;
	if (!turn_budget_bytes) {
		// Nor when what the program wrote ended: that is a record for each packet.
		t->flags &= ~TCP_PSH;
		return 0;
	}
	if (wish && wish->connection == s->connection) {
		if (wish->mode & STEER_NOTHING) {
			// Nor when it ended.
			t->flags &= ~TCP_PSH;
			return 0;
		}
		everything = wish->mode & STEER_EVERYTHING;
		if (wish->mode & (backward ? STEER_UNTIL_BACKWARD : STEER_UNTIL_FORWARD)) {
			__u32 until = wish->until[backward ? 1 : 0];
			__s32 ahead = (__s32)(until - sequence);
			if (ahead > 0 && ahead < (1 << 30)) {
				d->budget = turn_budget_bytes;
				if ((__u32)ahead >= length)
					return 0;
				*from = ahead;
				length -= ahead;
			}
		}
	}
	if (everything)
		return length;
	__u32 n = length < d->budget ? length : d->budget;
	d->budget -= n;
	return n;
}

// How many of the packet's bytes passed before.
static __always_inline __u32 repeated_bytes(struct direction_state *d, struct segment *t)
{
	if (!d->started || (t->flags & TCP_SYN))
		return 0;
	__s32 again = (__s32)(d->next_sequence - t->sequence);
	return again <= 0 ? 0 : (__u32)again < t->length ? again : t->length;
}

// Books what became of a record: `n` bytes were to be copied with it, `rest` not.
static __always_inline void book(struct tap_counters *c, struct direction_state *d, __u32 n,
				 __u32 rest, bool emitted)
{
	if (emitted) {
		c->bytes_copied += n;
		d->silent = 0;
		d->lost = 0;
		return;
	}
	c->bytes_lost += n;
	c->records_lost++;
	d->lost += n;
	// What was not to be copied is still to be told of, if nothing follows.
	if (n > 0)
		d->silent += rest;
}

// Copies what is wanted of one packet and accounts for the rest.
static __always_inline void take(struct __sk_buff *skb, struct socket_state *s,
				 struct direction_state *d, struct segment *t, __u64 at,
				 bool backward, bool outgoing)
{
	struct tap_counters *c = counter();

	if (!c)
		return;
	c->packets++;
	// A gap before an in-order packet is our own doing. What is sent passes here in order.
	bool in_order = outgoing || !d->started || t->sequence == d->next_sequence;
	__u32 repeated = repeated_bytes(d, t);

	c->bytes_seen += t->length - repeated;
	if (repeated) {
		c->retransmitted_bytes += repeated;
		// Bytes sent again were copied when they were sent first.
		if (outgoing) {
			if (repeated == t->length && !(t->flags & (TCP_FIN | TCP_RST)))
				return;
			t->sequence += repeated;
			t->length -= repeated;
			t->offset += repeated;
		}
	}
	// The first record says where the stream begins, so there is always one.
	bool is_first = !d->started;
	__u32 after = t->sequence + t->length + (t->flags & TCP_SYN ? 1 : 0);
	if (!d->started || (t->flags & TCP_SYN) || (__s32)(after - d->next_sequence) > 0)
		d->next_sequence = after;
	d->started = 1;

	__u32 from = 0, n = t->length ? wanted(s, d, backward, t, &from) : 0;
	// Data of a SYN (TCP fast open) stays in one record, with its flag.
	if ((t->flags & TCP_SYN) && n > 4096)
		n = 4096;
	// What is passed over at the front shows up as a sequence gap.
	struct piece p = {
		.head = {
			.connection = s->connection,
			.at = at,
			.sequence = t->sequence + from,
			.length = t->length - from,
			.lost_before = d->lost,
			.captured = n,
			.kind = RECORD_SEGMENT,
			.backward = backward,
			.in_order = in_order,
			.flags = t->flags,
		},
		.offset = t->offset + from,
	};
	if (n > 4096) {
		emit_large(skb, d, &p, n);
		return;
	}
	if (n == 0) {
		// Nothing to copy: say so only now and then, when the connection changes state, and
		// at the end of what the program wrote: the last byte of a body is on time only so.
		p.head.sequence = t->sequence;
		p.head.length = t->length;
		d->silent += t->length;
		if (!is_first && !(t->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_PSH)) &&
		    d->silent < SILENT_BYTES_MAX)
			return;
	}
	book(c, d, n, t->length - n, emit(skb, &p));
}
