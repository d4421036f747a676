// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// The wire tap: every TCP and UDP packet of the cgroups it is attached to, seen once.
//
// All programs are attached to a cgroup, so nothing outside of the scope runs any of this. They
// only read packets and always let them pass.
//
//   wire_create   cgroup/sock_create   who made the socket (in that process's context)
//   wire_release  cgroup/sock_release  the end of a UDP socket
//   wire_sockops  sockops              TCP: connecting, established, closed
//   wire_egress   cgroup_skb/egress    what the owner sends: the usual place to copy
//   wire_ingress  cgroup_skb/ingress   what arrives: copied only if its sender is not observed here
//
// Records are those of record.h. Only UAPI types are used, so one object fits every kernel.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
#include <stddef.h>
#include "record.h"
#include "packet.h"
#include "kernel.h"
#include "state.h"
#include "copy.h"
#include "frames.h"
#include "take.h"
#include "early.h"
#include "datagram.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PASS 1

static __always_inline void announce(struct socket_state *s, const struct ends *p, __u64 at,
				     __u32 pid, bool outgoing)
{
	struct opened_record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);

	if (!r) {
		struct tap_counters *c = counter();
		if (c)
			c->records_lost++;
		return;
	}
	r->head.connection = s->connection;
	r->head.at = at;
	r->head.kind = RECORD_OPENED;
	r->head.backward = s->backward;
	r->head.captured = 0;
	r->netns = s->netns;
	r->pid = pid;
	r->role = s->role;
	r->protocol = PROTOCOL_TCP;
	for (int i = 0; i < 3; i++) {
		r->local[i] = outgoing ? p->source[i] : p->target[i];
		r->remote[i] = outgoing ? p->target[i] : p->source[i];
	}
	__builtin_memcpy(r->command, s->command, sizeof(r->command));
	// The command noted is the creator's. Another process is the one that is sending now.
	if (pid != s->creator)
		current_command(r->command);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	s->announced = 1;
	s->announced_pid = pid;
}

static __always_inline void note_sender(struct socket_state *s)
{
	__u64 key = s->connection ^ s->backward;
	__u8 one = 1;

	bpf_map_update_elem(&senders, &key, &one, BPF_ANY);
	s->noted = 1;
}

// True if the other end sends under our eyes.
static __always_inline bool is_observed(struct socket_state *s)
{
	__u64 key = s->connection ^ !s->backward;

	return bpf_map_lookup_elem(&senders, &key) != NULL;
}

// Gives the socket its identity at its first packet, and tells user space of it; again if its owner
// turns out to be another process. Rare, so it is kept out of the hot programs.
static __noinline int introduce(struct __sk_buff *skb, struct socket_state *s, __u64 at, __u32 pid,
				int outgoing)
{
	struct ends p = {};

	if (!s || !read_ends(skb, &p))
		return 0;
	if (!s->connection) {
		if (!s->netns)
			s->netns = netns_at_packet(skb);
		s->backward = is_backward(&p) ^ !outgoing;
		s->connection = connection_of(&p, scope_of(&p, s->netns) ^ PROTOCOL_TCP);
	}
	announce(s, &p, at, pid, outgoing);
	return 0;
}

static __always_inline void sample_health(struct bpf_sock *sk, struct socket_state *s, __u64 at)
{
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);
	struct health_record *r;

	if (!tcp)
		return;
	r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (!r)
		return;
	__builtin_memset(r, 0, sizeof(*r));
	r->head.connection = s->connection;
	r->head.at = at;
	r->head.kind = RECORD_HEALTH;
	r->head.backward = s->backward;
	r->rtt_us = tcp->srtt_us >> 3;
	r->retransmits = tcp->total_retrans;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

SEC("cgroup_skb/egress")
int wire_egress(struct __sk_buff *skb)
{
	struct segment t;
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return PASS;
	if (!read_segment(skb, &t)) {
		send_datagram(skb);
		return PASS;
	}
	if (t.length == 0 && !(t.flags & (TCP_SYN | TCP_FIN | TCP_RST)))
		return PASS;
	sk = bpf_sk_fullsock(sk);
	// A SYN-ACK leaves in the name of the listener, or with TCP fast open in that of the
	// accepted socket; its facts come with the established socket.
	if (!sk || sk->type != TYPE_STREAM || sk->state == BPF_TCP_LISTEN || is_syn_ack(&t))
		return PASS;
	struct socket_state *s = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return PASS;
	if (t.flags & TCP_RST) {
		// What a socket had still to report when it closed was counted as told by nobody.
		if (s->orphaned)
			return PASS;
		// A FIN before it, of which the record may be lost, is no byte of the stream.
		if (s->out.started)
			t.sequence = s->out.next_sequence;
	}
	// TCP's own send time; on kernels that leave it empty, now. A connection's first data comes
	// here slowly, past cold caches and its announcement: counted from TCP's time it would seem
	// longer than on the wire.
	__u64 at = skb->tstamp;
	if (!at || !s->sent)
		at = bpf_ktime_get_ns();
	if (t.flags & TCP_SYN)
		s->role = ROLE_CLIENT;
	if (t.length > 0 && !s->sent) {
		// Nothing is in flight yet, so this is the caller's own context.
		__u32 pid = current_pid();
		if (!pid)
			pid = s->creator;
		s->sent = 1;
		if (!s->announced || pid != s->announced_pid)
			introduce(skb, s, at, s->created || s->role ? pid : 0, 1);
		// The other end decides at the first bytes it gets, which are these.
		if (!s->noted)
			note_sender(s);
	} else if (!s->announced) {
		introduce(skb, s, at, s->creator, 1);
	}
	if (s->turn != TURN_OUT && t.length > 0) {
		s->turn = TURN_OUT;
		s->out.budget = turn_budget_bytes;
		s->out.is_turn = 1;
	}
	take(skb, s, &s->out, &t, at, s->backward, true);
	if ((s->packets++ & HEALTH_EVERY_MASK) == HEALTH_EVERY_MASK)
		sample_health(sk, s, at);
	return PASS;
}

SEC("cgroup_skb/ingress")
int wire_ingress(struct __sk_buff *skb)
{
	struct segment t;
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return PASS;
	if (!read_segment(skb, &t)) {
		receive_datagram(skb);
		return PASS;
	}
	if (t.length == 0 && !(t.flags & (TCP_FIN | TCP_RST)))
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->type != TYPE_STREAM)
		return PASS;
	if (sk->state == BPF_TCP_LISTEN) {
		if (t.length > 0)
			keep_early(skb, t.offset, t.length,
				   t.sequence + (t.flags & TCP_SYN ? 1 : 0));
		return PASS;
	}
	struct socket_state *s = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return PASS;
	if (s->turn != TURN_IN && t.length > 0) {
		s->turn = TURN_IN;
		s->in.budget = turn_budget_bytes;
		s->in.is_turn = 1;
	}
	// How the client begins says what its server is going to answer with.
	if (s->in.framing == FRAMING_UNSEEN && t.length > 0) {
		begin_walk(&s->in, &t);
		see_framing(skb, 0);
	}
	if (s->peer == PEER_OBSERVED)
		return PASS;
	__u64 at = bpf_ktime_get_ns();
	if (!s->announced)
		introduce(skb, s, at, s->creator, 0);
	if (s->peer == PEER_UNDECIDED && s->connection)
		s->peer = is_observed(s) ? PEER_OBSERVED : PEER_REMOTE;
	if (s->peer == PEER_REMOTE)
		take(skb, s, &s->in, &t, at, !s->backward, false);
	return PASS;
}

SEC("cgroup/sock_create")
int wire_create(struct bpf_sock *sk)
{
	if (sk->protocol == PROTOCOL_UDP)
		note_maker(sk);
	if (sk->protocol != PROTOCOL_TCP)
		return PASS;
	struct socket_state *s = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return PASS;
	s->creator = bpf_get_current_pid_tgid() >> 32;
	s->netns = netns_at_creation(sk);
	s->created = 1;
	bpf_get_current_comm(s->command, sizeof(s->command));
	return PASS;
}

SEC("cgroup/sock_release")
int wire_release(struct bpf_sock *sk)
{
	if (sk->protocol == PROTOCOL_UDP)
		end_flows(sk);
	return PASS;
}

// The same socket connects once more, after a failure or a disconnect: only its maker stays known.
static __always_inline void begin_anew(struct socket_state *s)
{
	struct socket_state fresh = {
		.netns = s->netns,
		.creator = s->creator,
		.created = s->created,
	};

	__builtin_memcpy(fresh.command, s->command, sizeof(fresh.command));
	*s = fresh;
}

static __always_inline void on_established(struct bpf_sock_ops *ops, struct socket_state *s,
					   bool active)
{
	struct ends p = {};
	__u64 at = bpf_ktime_get_ns();

	read_sockops(ops, &p);
	__u64 netns = netns_at_handshake(ops);
	if (netns)
		s->netns = netns;
	s->role = active ? ROLE_CLIENT : ROLE_SERVER;
	s->backward = is_backward(&p);
	s->connection = connection_of(&p, scope_of(&p, s->netns) ^ PROTOCOL_TCP);
	note_sender(s);
	announce(s, &p, at, s->creator, true);
	struct established_record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (!r)
		return;
	__builtin_memset(r, 0, sizeof(*r));
	r->head.connection = s->connection;
	r->head.at = at;
	r->head.kind = RECORD_ESTABLISHED;
	r->head.backward = s->backward;
	r->role = s->role;
	r->peer_observed = is_observed(s);
	r->local_sequence = ops->snd_nxt;
	r->remote_sequence = ops->rcv_nxt;
	r->rtt_us = ops->srtt_us >> 3;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

static __always_inline void on_closed(struct bpf_sock_ops *ops, struct socket_state *s)
{
	struct closed_record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);

	if (!r) {
		// Nobody will ask this socket again: what it still had to report is lost for good.
		struct tap_counters *c = counter();
		if (c) {
			c->records_lost++;
			c->bytes_orphaned += s->out.lost + s->out.silent;
			if (s->peer == PEER_REMOTE)
				c->bytes_orphaned += s->in.lost + s->in.silent;
		}
		s->orphaned = 1;
		return;
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->head.connection = s->connection;
	r->head.at = bpf_ktime_get_ns();
	r->head.kind = RECORD_CLOSED;
	r->head.backward = s->backward;
	r->unreported = s->out.silent;
	r->lost = s->out.lost;
	r->out_pending = s->out.told;
	r->out_sequence = s->out.next_sequence;
	if (s->peer == PEER_REMOTE) {
		r->in_pending = s->in.lost || s->in.silent || s->in.told;
		r->in_lost = s->in.lost;
		r->in_sequence = s->in.next_sequence;
	}
	r->rtt_us = ops->srtt_us >> 3;
	r->retransmits = ops->total_retrans;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	// A close that leaves data unread sends a reset yet, which has nothing left to tell.
	s->out.lost = s->out.silent = 0;
	s->in.lost = s->in.silent = 0;
}

SEC("sockops")
int wire_sockops(struct bpf_sock_ops *ops)
{
	__u32 op = ops->op;
	bool active = op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB;
	bool passive = op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB;
	bool closed = op == BPF_SOCK_OPS_STATE_CB && ops->args[1] == BPF_TCP_CLOSE;
	bool connecting = op == BPF_SOCK_OPS_TCP_CONNECT_CB;

	if (!active && !passive && !closed && !connecting)
		return PASS;
	struct bpf_sock *sk = ops->sk;
	if (!sk)
		return PASS;
	struct socket_state *s = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return PASS;
	if (closed) {
		if (s->connection)
			on_closed(ops, s);
		return PASS;
	}
	// Before anything can fail: the end of the socket must be heard of whatever the ring holds,
	// and whether or not the handshake succeeds.
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	if (connecting) {
		if (s->connection)
			begin_anew(s);
		return PASS;
	}
	on_established(ops, s, active);
	if (passive && !is_observed(s))
		take_early(s, ops->rcv_nxt);
	return PASS;
}
