// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// What becomes of one TCP packet: which of its bytes are copied, and how the rest is accounted for.
#pragma once

// How many bytes of this packet to copy, and from where: what the budget and user space say.
// `everything` holds until user space has spoken.
static __always_inline __u32 wanted(struct direction_state *d,
				    const struct steering *wish, bool everything, bool backward,
				    struct segment *t, __u32 *from)
{
	__u32 sequence = t->sequence, length = t->length;

	*from = 0;
	if (!turn_budget_bytes) {
		// Nor when what the program wrote ended: that is a record for each packet.
		t->flags &= ~TCP_PSH;
		return 0;
	}
	if (wish) {
		if (wish->mode & STEER_NOTHING) {
			// Nor when it ended.
			t->flags &= ~TCP_PSH;
			return 0;
		}
		everything = wish->mode & STEER_EVERYTHING;
		__u32 bound = backward ? STEER_UNTIL_BACKWARD : STEER_UNTIL_FORWARD;
		// Of frames that nobody follows, a head would be missed.
		if ((wish->mode & (bound | STEER_FRAMES)) == bound) {
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

// Counts the packet's bytes; of one that is sent, leaves those that were not sent before. False if
// there are none.
static __always_inline bool take_new(struct tap_counters *c, struct direction_state *d,
				     struct segment *t, bool outgoing)
{
	__u32 repeated = repeated_bytes(d, t);

	c->bytes_seen += t->length - repeated;
	c->retransmitted_bytes += repeated;
	// Bytes sent again were copied when they were sent first.
	if (!repeated || !outgoing)
		return true;
	if (repeated == t->length && !(t->flags & (TCP_FIN | TCP_RST)))
		return false;
	t->sequence += repeated;
	t->length -= repeated;
	t->offset += repeated;
	return true;
}

// Says how far the direction of an unwanted connection is, where user space looks once a second.
static __always_inline bool tell(const struct steering *wish, struct tap_counters *c,
				 struct direction_state *d, __u64 connection, bool backward,
				 __u32 bytes)
{
	__u64 upper = connection & ~0xffffffffull;

	// What was lost takes a record, and a number alone would be one of bytes.
	if (!wish || !(wish->mode & STEER_NOTHING) || d->lost || !upper)
		return false;
	*(volatile __u64 *)&wish->passed[backward ? 1 : 0] = upper | d->next_sequence;
	c->bytes_passed += bytes;
	d->silent = 0;
	d->told = 1;
	return true;
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
	if (!take_new(c, d, t, outgoing))
		return;
	bool is_next = !d->started || t->sequence == d->next_sequence;
	__u32 after = t->sequence + t->length + (t->flags & TCP_SYN ? 1 : 0);
	if (!d->started || (t->flags & TCP_SYN) || (__s32)(after - d->next_sequence) > 0)
		d->next_sequence = after;
	d->started = 1;
	bool is_turn = d->is_turn;
	d->is_turn = 0;

	// Nothing can be said yet of a stream without a record: what is said is of an earlier one.
	const struct steering *wish = d->begun ? wish_of(s->connection) : NULL;
	if (t->length && !(t->flags & TCP_SYN) &&
	    take_frames(skb, s, d, t, wish, at, is_next, backward, outgoing, in_order, is_turn))
		return;
	// Of databases every byte will be wanted, and a program that connects and asks at once has
	// a long answer before user space has read as much as the greeting.
	bool is_database = s->in.is_database || s->out.is_database;
	__u32 from = 0, n = t->length ? wanted(d, wish, is_database, backward, t, &from) : 0;
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
			.begins = outgoing && !d->begun,
			.flags = t->flags,
		},
		.offset = t->offset + from,
	};
	if (n > 4096) {
		emit_large(skb, d, &p, n);
		return;
	}
	// The first record says where the stream begins, so there is always one.
	if (n == 0 && d->begun) {
		// Nothing to copy: say so only now and then, when the connection changes state, and
		// at the end of what the program wrote: the last byte of a body is on time only so.
		p.head.sequence = t->sequence;
		p.head.length = t->length;
		bool is_quiet = !(t->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_PSH));
		if (is_quiet && tell(wish, c, d, s->connection, backward, t->length))
			return;
		d->silent += t->length;
		if (is_quiet && d->silent < SILENT_BYTES_MAX)
			return;
	}
	book(c, d, n, t->length - n, emit(skb, &p));
}
