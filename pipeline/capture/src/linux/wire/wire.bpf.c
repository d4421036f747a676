// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// The wire tap: every TCP and UDP packet of the cgroups it is attached to, seen once.
//
// All programs are attached to a cgroup, so nothing outside of the scope runs any of this. They only
// read packets and always let them pass.
//
//   wire_create   cgroup/sock_create   who made the socket (in that process's context)
//   wire_sockops  sockops              established, closed (once or twice a connection)
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

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define ETH_FAMILY_INET 2
#define ETH_FAMILY_INET6 10
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define PASS 1

// A turn is what one end sends before the other one answers. Its first bytes hold the message heads.
const volatile __u32 turn_budget_bytes = 64 * 1024;

// What the tap knows about one socket.
struct direction_state {
	__u32 next_sequence; // first stream byte not yet accounted for
	__u32 budget;        // bytes of this turn still to copy
	__u32 lost;          // lost since the last record
	__u32 silent;        // skipped since the last record
	__u8 started;
};

struct socket_state {
	__u64 connection; // 0: not yet identified
	__u64 netns;
	__u32 creator;
	__u32 announced_pid;
	char command[16];
	struct direction_state out, in;
	__u32 packets;
	__u8 role;      // ROLE_*
	__u8 backward;  // this end sends in the backward direction
	__u8 peer;      // PEER_*
	__u8 turn;      // TURN_*
	__u8 announced; // an OPENED record with an owner went out
	__u8 created;   // made while we were watching
	__u8 sent;      // data was sent at least once
};

enum { PEER_UNDECIDED, PEER_OBSERVED, PEER_REMOTE };
enum { TURN_NONE, TURN_OUT, TURN_IN };

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} records SEC(".maps");

// Ends that were seen sending: connection ^ direction. Lets the receiver know that the bytes it is
// about to see were copied already. An entry evicted too early costs a second copy, which the
// sequence numbers give away.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u8);
} senders SEC(".maps");

// What user space wants of a connection; written through a shared mapping, read without a call.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STEERING_SLOTS);
	__type(key, __u32);
	__type(value, struct steering);
} steering SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tap_counters);
} counters SEC(".maps");

// A packet's headers, as far as they matter.
struct packet {
	__u64 source[3]; // address high, address low, port: the order of model::Endpoints
	__u64 target[3];
	__u32 offset;    // of the payload
	__u32 length;    // of the payload
	__u32 sequence;
	__u8 flags;
	__u8 loopback;
};

static __always_inline struct tap_counters *counter(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&counters, &zero);
}

static __always_inline __u64 mix(__u64 value)
{
	value = (value ^ (value >> 32)) * 0x9E3779B97F4A7C15ull;
	value = (value ^ (value >> 29)) * 0xBF58476D1CE4E5B9ull;
	return value ^ (value >> 32);
}

static __always_inline bool is_backward(const struct packet *p)
{
	if (p->source[0] != p->target[0])
		return p->source[0] > p->target[0];
	if (p->source[1] != p->target[1])
		return p->source[1] > p->target[1];
	return p->source[2] > p->target[2];
}

// The same function as model::Endpoints::connection.
static __noinline __u64 connection_of(const struct packet *p, __u64 scope)
{
	if (!p)
		return 0;
	bool backward = is_backward(p);
	__u64 hash = mix(scope);

	for (int i = 0; i < 3; i++)
		hash = mix(hash ^ (backward ? p->target[i] : p->source[i]));
	for (int i = 0; i < 3; i++)
		hash = mix(hash ^ (backward ? p->source[i] : p->target[i]));
	return hash;
}

// Reads the IP header. Gives the offset of what follows it, or 0 if that is not TCP or UDP.
static __always_inline __u32 read_ip(void *data, void *end, struct packet *p, __u8 *protocol)
{
	__u8 *ip = data;

	if (data + 20 > end)
		return 0;
	if ((ip[0] >> 4) == 4) {
		__u32 source = bpf_ntohl(*(__u32 *)(data + 12)), target = bpf_ntohl(*(__u32 *)(data + 16));

		// Only the first fragment has a transport header.
		if (bpf_ntohs(*(__u16 *)(data + 6)) & 0x1fff)
			return 0;
		p->source[0] = p->target[0] = 0;
		p->source[1] = source;
		p->target[1] = target;
		p->loopback = (source >> 24) == 127;
		*protocol = ip[9];
		return (ip[0] & 15) * 4;
	}
	if ((ip[0] >> 4) != 6 || data + 40 > end)
		return 0;
	p->source[0] = bpf_be64_to_cpu(*(__u64 *)(data + 8));
	p->source[1] = bpf_be64_to_cpu(*(__u64 *)(data + 16));
	p->target[0] = bpf_be64_to_cpu(*(__u64 *)(data + 24));
	p->target[1] = bpf_be64_to_cpu(*(__u64 *)(data + 32));
	p->loopback = p->source[0] == 0 && p->source[1] == 1;
	*protocol = ip[6];
	return 40;
}

// Reads the TCP header. False if this is no TCP packet whose headers are in reach.
static __always_inline bool read_tcp(struct __sk_buff *skb, struct packet *p)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u8 protocol = 0;
	__u32 at = read_ip(data, end, p, &protocol);

	if (!at || protocol != PROTOCOL_TCP)
		return false;
	at &= 63;
	void *tcp = data + at;
	if (tcp + 20 > end)
		return false;
	p->source[2] = bpf_ntohs(*(__u16 *)tcp);
	p->target[2] = bpf_ntohs(*(__u16 *)(tcp + 2));
	p->sequence = bpf_ntohl(*(__u32 *)(tcp + 4));
	p->offset = at + (*(__u8 *)(tcp + 12) >> 4) * 4;
	p->flags = *(__u8 *)(tcp + 13);
	p->length = skb->len > p->offset ? skb->len - p->offset : 0;
	return true;
}

static __always_inline void announce(struct socket_state *s, const struct packet *p, __u64 at,
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
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	s->announced = 1;
	s->announced_pid = pid;
}

static __always_inline void note_sender(struct socket_state *s)
{
	__u64 key = s->connection ^ s->backward;
	__u8 one = 1;

	bpf_map_update_elem(&senders, &key, &one, BPF_ANY);
}

// True if the other end sends under our eyes.
static __always_inline bool is_observed(struct socket_state *s)
{
	__u64 key = s->connection ^ !s->backward;

	return bpf_map_lookup_elem(&senders, &key) != NULL;
}

// Gives the socket its identity at its first packet.
static __noinline int identify(struct __sk_buff *skb, struct socket_state *s,
			       const struct packet *p, int outgoing)
{
	if (!s || !p)
		return 0;
	if (!s->netns)
		s->netns = bpf_get_netns_cookie(skb);
	s->backward = is_backward(p) ^ !outgoing;
	s->connection = connection_of(p, (p->loopback ? s->netns : 0) ^ PROTOCOL_TCP);
	if (outgoing)
		note_sender(s);
	return 0;
}

// Hands on `n` bytes of the payload from `offset`, in a record of the given size. False if the ring is full.
#define EMIT(SIZE)                                                                        \
	static __always_inline bool emit_##SIZE(struct __sk_buff *skb, const struct record_head *head, \
						__u32 offset, __u32 n)                     \
	{                                                                                 \
		struct { struct record_head head; __u8 payload[SIZE]; } *r;               \
		r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);                         \
		if (!r)                                                                   \
			return false;                                                     \
		r->head = *head;                                                          \
		__u64 m = n;                                                              \
		asm volatile("" : "+r"(m));                                               \
		m = m > SIZE ? SIZE : m;                                                  \
		if (m > 0 && bpf_skb_load_bytes(skb, offset, r->payload, m))              \
			r->head.captured = 0;                                             \
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);                                  \
		return true;                                                              \
	}

EMIT(64)
EMIT(256)
EMIT(1024)
EMIT(4096)

static __noinline int emit(struct __sk_buff *skb, const struct record_head *head, __u32 offset)
{
	if (!head)
		return 0;
	__u32 n = head->captured;
	if (n <= 64)
		return emit_64(skb, head, offset, n);
	if (n <= 256)
		return emit_256(skb, head, offset, n);
	if (n <= 1024)
		return emit_1024(skb, head, offset, n);
	return emit_4096(skb, head, offset, n);
}

// How many bytes of this packet to copy, and from where: what the budget and user space say.
static __always_inline __u32 wanted(struct socket_state *s, struct direction_state *d, bool backward,
				    __u32 sequence, __u32 length, __u32 *from)
{
	__u32 slot = s->connection & (STEERING_SLOTS - 1);
	struct steering *wish = bpf_map_lookup_elem(&steering, &slot);
	bool everything = false;

	*from = 0;
	if (wish && wish->connection == s->connection) {
		if (wish->mode & STEER_NOTHING)
			return 0;
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

// Copies what is wanted of one packet and accounts for the rest.
static __always_inline void take(struct __sk_buff *skb, struct socket_state *s,
				 struct direction_state *d, const struct packet *p, __u64 at,
				 bool backward, bool outgoing)
{
	struct tap_counters *c = counter();
	__u32 length = p->length, sequence = p->sequence, offset = p->offset;

	if (!c)
		return;
	c->packets++;
	// A gap before an in-order packet is our own doing. What is sent passes here in order.
	bool in_order = outgoing || !d->started || sequence == d->next_sequence;
	__s32 again = d->started && !(p->flags & TCP_SYN) ? (__s32)(d->next_sequence - sequence) : 0;
	__u32 repeated = again <= 0 ? 0 : (__u32)again < length ? again : length;

	c->bytes_seen += length - repeated;
	c->retransmitted_bytes += repeated;
	if (repeated && outgoing) {
		// Bytes sent again were copied when they were sent first.
		if (repeated == length && !(p->flags & (TCP_FIN | TCP_RST)))
			return;
		sequence += repeated;
		length -= repeated;
		offset += repeated;
	}
	__u32 after = sequence + length + (p->flags & TCP_SYN ? 1 : 0);
	if (!d->started || (p->flags & TCP_SYN) || (__s32)(after - d->next_sequence) > 0)
		d->next_sequence = after;
	d->started = 1;

	__u32 from = 0, n = length ? wanted(s, d, backward, sequence, length, &from) : 0;
	struct record_head head = {
		.connection = s->connection,
		.at = at,
		.sequence = sequence,
		.length = length,
		.lost_before = d->lost,
		.kind = RECORD_SEGMENT,
		.backward = backward,
		.in_order = in_order,
		.flags = p->flags,
	};
	if (n == 0) {
		// Nothing to copy: say so only now and then, and when the connection changes state.
		d->silent += length;
		if (!(p->flags & (TCP_SYN | TCP_FIN | TCP_RST)) && d->silent < SILENT_BYTES_MAX)
			return;
		if (emit(skb, &head, offset)) {
			d->silent = 0;
			d->lost = 0;
		} else {
			c->records_lost++;
		}
		return;
	}
	// What is passed over at the front shows up as a sequence gap.
	head.sequence += from;
	head.length -= from;
	offset += from;
	for (int i = 0; i < PIECES_MAX && n > 0; i++) {
		__u32 piece = n < 4096 ? n : 4096;
		bool last = piece == n;
		struct record_head part = head;
		part.captured = piece;
		part.length = last ? head.length : piece;
		if (!last)
			part.flags = 0;
		if (emit(skb, &part, offset)) {
			c->bytes_copied += piece;
			d->lost = 0;
			d->silent = 0;
		} else {
			c->bytes_lost += piece;
			c->records_lost++;
			d->lost += piece;
		}
		head.lost_before = d->lost;
		head.sequence += piece;
		head.length -= piece;
		offset += piece;
		n -= piece;
	}
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
	struct packet p;
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return PASS;
	sk = bpf_sk_fullsock(sk);
	// A SYN-ACK leaves in the name of the listener; its facts come with the established socket.
	if (!sk || sk->protocol != PROTOCOL_TCP || sk->state == BPF_TCP_LISTEN || !read_tcp(skb, &p))
		return PASS;
	if (p.length == 0 && !(p.flags & (TCP_SYN | TCP_FIN | TCP_RST)))
		return PASS;
	struct socket_state *s = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return PASS;
	// TCP's own send time; on kernels that leave it empty, now.
	__u64 at = skb->tstamp ? skb->tstamp : bpf_ktime_get_ns();
	if (!s->connection)
		identify(skb, s, &p, 1);
	if (p.flags & TCP_SYN)
		s->role = ROLE_CLIENT;
	if (p.length > 0 && !s->sent) {
		// Nothing is in flight yet, so this is the caller's own context.
		__u32 pid = bpf_get_current_pid_tgid() >> 32;
		s->sent = 1;
		if (!s->announced || pid != s->announced_pid)
			announce(s, &p, at, s->created || s->role ? pid : 0, true);
	} else if (!s->announced) {
		announce(s, &p, at, s->creator, true);
	}
	if (s->turn != TURN_OUT && p.length > 0) {
		s->turn = TURN_OUT;
		s->out.budget = turn_budget_bytes;
	}
	take(skb, s, &s->out, &p, at, s->backward, true);
	if (p.length > 0 && (s->packets++ & HEALTH_EVERY_MASK) == HEALTH_EVERY_MASK)
		sample_health(sk, s, at);
	return PASS;
}

SEC("cgroup_skb/ingress")
int wire_ingress(struct __sk_buff *skb)
{
	struct packet p;
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->protocol != PROTOCOL_TCP || sk->state == BPF_TCP_LISTEN)
		return PASS;
	if (!read_tcp(skb, &p) || (p.length == 0 && !(p.flags & (TCP_FIN | TCP_RST))))
		return PASS;
	struct socket_state *s = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return PASS;
	if (p.length > 0 && s->turn != TURN_IN) {
		s->turn = TURN_IN;
		s->in.budget = turn_budget_bytes;
	}
	if (s->peer == PEER_OBSERVED)
		return PASS;
	if (!s->connection)
		identify(skb, s, &p, 0);
	if (s->peer == PEER_UNDECIDED) {
		s->peer = is_observed(s) ? PEER_OBSERVED : PEER_REMOTE;
		if (s->peer == PEER_OBSERVED)
			return PASS;
	}
	__u64 at = bpf_ktime_get_ns();
	if (!s->announced)
		announce(s, &p, at, s->created ? s->creator : 0, false);
	take(skb, s, &s->in, &p, at, !s->backward, false);
	return PASS;
}

SEC("cgroup/sock_create")
int wire_create(struct bpf_sock *sk)
{
	if (sk->protocol != PROTOCOL_TCP)
		return PASS;
	struct socket_state *s = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return PASS;
	s->creator = bpf_get_current_pid_tgid() >> 32;
	s->netns = bpf_get_netns_cookie(sk);
	s->created = 1;
	bpf_get_current_comm(s->command, sizeof(s->command));
	return PASS;
}

static __always_inline void read_sockops(struct bpf_sock_ops *ops, struct packet *p)
{
	p->source[2] = ops->local_port;
	p->target[2] = bpf_ntohl(ops->remote_port);
	if (ops->family == ETH_FAMILY_INET) {
		p->source[0] = p->target[0] = 0;
		p->source[1] = bpf_ntohl(ops->local_ip4);
		p->target[1] = bpf_ntohl(ops->remote_ip4);
		p->loopback = (p->source[1] >> 24) == 127;
		return;
	}
	// Context words must be read one by one; without this the compiler joins them.
#define WORD(field) (*(volatile __u32 *)&ops->field)
	__u32 l0 = WORD(local_ip6[0]), l1 = WORD(local_ip6[1]);
	__u32 l2 = WORD(local_ip6[2]), l3 = WORD(local_ip6[3]);
	__u32 r0 = WORD(remote_ip6[0]), r1 = WORD(remote_ip6[1]);
	__u32 r2 = WORD(remote_ip6[2]), r3 = WORD(remote_ip6[3]);

	if (l0 == 0 && l1 == 0 && l2 == bpf_htonl(0xffff)) {
		// An IPv4 connection on an IPv6 socket: on the wire it is IPv4.
		p->source[0] = p->target[0] = 0;
		p->source[1] = bpf_ntohl(l3);
		p->target[1] = bpf_ntohl(r3);
		p->loopback = (p->source[1] >> 24) == 127;
		return;
	}
	p->source[0] = (__u64)bpf_ntohl(l0) << 32 | bpf_ntohl(l1);
	p->source[1] = (__u64)bpf_ntohl(l2) << 32 | bpf_ntohl(l3);
	p->target[0] = (__u64)bpf_ntohl(r0) << 32 | bpf_ntohl(r1);
	p->target[1] = (__u64)bpf_ntohl(r2) << 32 | bpf_ntohl(r3);
	p->loopback = p->source[0] == 0 && p->source[1] == 1;
}

static __always_inline void on_established(struct bpf_sock_ops *ops, struct bpf_sock *sk,
					   struct socket_state *s, bool active)
{
	struct packet p = {};
	__u64 at = bpf_ktime_get_ns();

	read_sockops(ops, &p);
	s->netns = bpf_get_netns_cookie(ops);
	s->role = active ? ROLE_CLIENT : ROLE_SERVER;
	s->backward = is_backward(&p);
	s->connection = connection_of(&p, (p.loopback ? s->netns : 0) ^ PROTOCOL_TCP);
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
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

static __always_inline void on_closed(struct bpf_sock_ops *ops, struct socket_state *s)
{
	struct closed_record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);

	if (!r)
		return;
	__builtin_memset(r, 0, sizeof(*r));
	r->head.connection = s->connection;
	r->head.at = bpf_ktime_get_ns();
	r->head.kind = RECORD_CLOSED;
	r->head.backward = s->backward;
	r->unreported = s->out.silent;
	r->lost = s->out.lost;
	r->rtt_us = ops->srtt_us >> 3;
	r->retransmits = ops->total_retrans;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	s->out.silent = 0;
	s->out.lost = 0;
}

SEC("sockops")
int wire_sockops(struct bpf_sock_ops *ops)
{
	__u32 op = ops->op;
	bool active = op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB;
	bool passive = op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB;
	bool closed = op == BPF_SOCK_OPS_STATE_CB && ops->args[1] == BPF_TCP_CLOSE;

	if (!active && !passive && !closed)
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
	} else {
		on_established(ops, sk, s, active);
	}
	return PASS;
}
