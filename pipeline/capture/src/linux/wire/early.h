// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Data that arrives before its socket exists: with the packet that ends the handshake (deferred
// accept, SYN cookies, a lost ACK) or with the SYN (TCP fast open). Only the listener sees it, and
// the accepted socket follows in the same breath, on the same CPU.
#pragma once

#define EARLY_BYTES_MAX 4096

// A segment record in the making, kept until the socket it belongs to is there.
struct early_segment {
	struct record_head head;
	__u8 payload[EARLY_BYTES_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct early_segment);
} early SEC(".maps");

// Keeps what a listener was sent. Rare, so it is kept out of the hot program.
static __noinline int keep_early(struct __sk_buff *skb, __u32 offset, __u32 length, __u32 sequence)
{
	__u32 zero = 0;
	__u64 n = length < EARLY_BYTES_MAX ? length : EARLY_BYTES_MAX;
	struct early_segment *e = bpf_map_lookup_elem(&early, &zero);
	struct ends p = {};

	if (!e)
		return 0;
	e->head.connection = 0;
	if (!read_ends(skb, &p))
		return 0;
	if (!load(skb, offset, e->payload, n, EARLY_BYTES_MAX))
		return 0;
	e->head.connection = connection_of(&p, scope_of(&p, netns_at_packet(skb)) ^ PROTOCOL_TCP);
	e->head.at = bpf_ktime_get_ns();
	e->head.sequence = sequence;
	e->head.length = length;
	e->head.captured = n;
	return 0;
}

// Hands it on in the name of the socket that was accepted for it, and begins that socket's count.
static __noinline int take_early(struct socket_state *s, __u32 sequence)
{
	__u32 zero = 0;
	struct early_segment *e = bpf_map_lookup_elem(&early, &zero);
	struct tap_counters *c = counter();

	if (!s || !e || !c || e->head.connection != s->connection || e->head.sequence != sequence)
		return 0;
	__u64 n = e->head.captured;

	e->head.kind = RECORD_SEGMENT;
	e->head.backward = !s->backward;
	e->head.in_order = 1;
	e->head.lost_before = 0;
	e->head.flags = 0;
	s->in.started = 1;
	s->in.next_sequence = sequence + e->head.length;
	s->turn = TURN_IN;
	s->in.budget = turn_budget_bytes > n ? turn_budget_bytes - n : 0;
	c->packets++;
	c->bytes_seen += e->head.length;
	asm volatile("" : "+r"(n));
	n = n > EARLY_BYTES_MAX ? EARLY_BYTES_MAX : n;
	if (bpf_ringbuf_output(&records, e, sizeof(e->head) + n, BPF_RB_NO_WAKEUP)) {
		book(c, &s->in, n, e->head.length - n, false);
	} else {
		book(c, &s->in, n, e->head.length - n, true);
	}
	e->head.connection = 0;
	return 0;
}
