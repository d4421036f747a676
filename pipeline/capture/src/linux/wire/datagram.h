// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// UDP: flows instead of connections. One socket may speak to many peers, so what is known of a
// flow is kept by its identity, and only the owner by socket. A datagram stands alone: it is copied
// up to a budget, or passed over if user space has given up its flow.
//
// Who sends is the caller: nothing lies between sendmsg() and the egress program.
#pragma once

// SOCK_DGRAM. Raw sockets send UDP packets too, of whatever flow.
#define TYPE_DATAGRAM 2
// Flows whose end is told when their socket is closed: a client asks one server, or the few of a
// resolver's list. Others end by silence.
#define SOCKET_FLOWS 4
// Records of a packet of several datagrams: 64 KiB in datagrams of usual size.
#define RUN_PIECES_MAX 20
// An end is told of again this often, and after so much silence: before user space forgets the
// flow. It does so after 60 s, or after 3 s once every question is answered.
#define ANNOUNCE_EVERY_NS (30 * 1000000000ull)
#define SILENT_NS (2 * 1000000000ull)

// What is known of a UDP socket.
struct datagram_socket {
	__u64 netns;
	__u64 flows[SOCKET_FLOWS]; // the latest, and after each the direction in which it sends
	__u32 owner;               // who made it, then who spoke last
	__u8 backward[SOCKET_FLOWS];
	__u8 count;
	char command[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct datagram_socket);
} datagram_sockets SEC(".maps");

// One end of a flow.
struct flow {
	__u64 announced_at;
	__u64 seen_at;
	__u32 owner;
	__u8 role;
	__u8 padding[3];
};

// By connection ^ direction of sending. An end in here is observed: what it sends is copied on its
// way out. One evicted too early is entered anew by the very packet that asks for it.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct flow);
} flows SEC(".maps");

// Reads the headers of a UDP packet. The addresses are in `p`; false if this is none.
static __always_inline bool read_datagram(struct __sk_buff *skb, struct piece *d, struct ends *p)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 at = 40;

	if (data + 20 > end)
		return false;
	__u8 first = *(__u8 *)data;
	if ((first >> 4) == 4) {
		// It is whole on both hooks: cut later on the way out, joined before on the way in.
		if (*(__u8 *)(data + 9) != PROTOCOL_UDP)
			return false;
		at = (first & 15) * 4;
	} else if (*(__u8 *)(data + 6) != PROTOCOL_UDP) {
		return false;
	}
	if (!read_ends(skb, p))
		return false;
	d->offset = at + 8;
	d->head.length = skb->len > d->offset ? skb->len - d->offset : 0;
	return true;
}

// Gives the packet the identity of its flow.
static __always_inline void identify(struct __sk_buff *skb, const struct ends *p, struct piece *d)
{
	__u64 scope = p->loopback ? netns_at_packet(skb) : 0;

	d->head.connection = connection_of(p, scope ^ PROTOCOL_UDP);
	d->head.backward = is_backward(p);
	d->head.kind = RECORD_DATAGRAM;
}

static __always_inline void remember_flow(struct datagram_socket *s, __u64 connection,
					  __u8 backward)
{
	for (int i = 0; i < SOCKET_FLOWS; i++)
		if (s->flows[i] == connection)
			return;
	__u32 slot = s->count++ & (SOCKET_FLOWS - 1);
	s->flows[slot] = connection;
	s->backward[slot] = backward;
}

// Tells user space of this end of a flow, with its owner. Rare, so it is kept out of the hot path.
static __noinline int meet(struct __sk_buff *skb, const struct ends *p, const struct piece *d,
			   __u32 pid, int outgoing)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk || !p || !d)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	struct datagram_socket *s =
		bpf_sk_storage_get(&datagram_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return 0;
	if (!s->netns)
		s->netns = netns_at_packet(skb);
	if (outgoing && pid && pid != s->owner) {
		s->owner = pid;
		current_command(s->command);
	}
	__u8 backward = d->head.backward ^ !outgoing;
	__u64 own = d->head.connection ^ backward, other = d->head.connection ^ !backward;
	struct flow *known = bpf_map_lookup_elem(&flows, &own);
	struct flow flow = {
		.announced_at = d->head.at,
		.seen_at = d->head.at,
		.owner = s->owner,
	};

	// Who speaks first asks.
	if (known)
		flow.role = known->role;
	else if (!outgoing || bpf_map_lookup_elem(&flows, &other))
		flow.role = ROLE_SERVER;
	else
		flow.role = ROLE_CLIENT;
	remember_flow(s, d->head.connection, backward);
	struct opened_record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (r) {
		r->head = d->head;
		r->head.kind = RECORD_OPENED;
		r->head.backward = backward;
		r->head.captured = 0;
		r->netns = s->netns;
		r->pid = s->owner;
		r->role = flow.role;
		r->protocol = PROTOCOL_UDP;
		for (int i = 0; i < 3; i++) {
			r->local[i] = outgoing ? p->source[i] : p->target[i];
			r->remote[i] = outgoing ? p->target[i] : p->source[i];
		}
		__builtin_memcpy(r->command, s->command, sizeof(r->command));
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	} else {
		struct tap_counters *c = counter();
		if (c)
			c->records_lost++;
		// The next packet tries again.
		flow.announced_at = 0;
	}
	bpf_map_update_elem(&flows, &own, &flow, BPF_ANY);
	return 0;
}

// True if user space has given the flow up: its bytes are only counted, in its slot.
static __always_inline bool is_passed_over(struct tap_counters *c, const struct piece *d)
{
	__u32 slot = d->head.connection & (STEERING_SLOTS - 1);
	struct steering *wish = bpf_map_lookup_elem(&steering, &slot);

	if (!wish || wish->connection != d->head.connection || !(wish->mode & STEER_NOTHING))
		return false;
	__sync_fetch_and_add(&wish->passed[d->head.backward ? 1 : 0], (__u64)d->head.length);
	c->bytes_passed += d->head.length;
	return true;
}

// Nothing that follows could tell of bytes that are lost here.
static __always_inline void lose_datagrams(struct tap_counters *c, __u32 bytes)
{
	c->bytes_lost += bytes;
	c->bytes_orphaned += bytes;
	c->records_lost++;
}

// Copies up to `most` bytes of a packet that holds datagrams of `size` bytes each (UDP_SEGMENT,
// GRO), in records of as many as fit: a datagram of QUIC can be read whole or not at all.
static __noinline int take_run(struct __sk_buff *skb, const struct piece *whole, __u32 size,
			       __u32 most)
{
	struct tap_counters *c = counter();

	if (!whole || !c || !size)
		return 0;
	struct piece p = *whole;
	__u32 rest = whole->head.length, full = DATAGRAM_BYTES_MAX / size * size;

	p.head.sequence = size;
	for (int i = 0; i < RUN_PIECES_MAX; i++) {
		__u32 bytes = rest < full ? rest : full;

		if (!bytes || bytes > most)
			break;
		p.head.length = bytes;
		p.head.captured = bytes;
		if (emit_4096(skb, &p))
			c->bytes_copied += bytes;
		else
			lose_datagrams(c, bytes);
		p.offset += bytes;
		rest -= bytes;
		most -= bytes;
	}
	if (!rest)
		return 0;
	// Beyond the budget there is one record for all.
	p.head.length = rest;
	p.head.captured = 0;
	if (!emit_64(skb, &p))
		lose_datagrams(c, rest);
	return 0;
}

// Copies the head of a packet: of a datagram, or of several in one.
static __noinline int take_datagram(struct __sk_buff *skb, struct piece *d)
{
	struct tap_counters *c = counter();

	if (!d || !c)
		return 0;
	__u32 length = d->head.length, size = skb->gso_size, most = turn_budget_bytes;

	if (!most) {
		// Nothing is copied just now, and nothing follows that could tell of it.
		c->bytes_orphaned += length;
		return 0;
	}
	if (size && size < length && size <= DATAGRAM_BYTES_MAX)
		return take_run(skb, d, size, most);
	most = most < DATAGRAM_BYTES_MAX ? most : DATAGRAM_BYTES_MAX;
	d->head.sequence = size < length ? size : 0;
	d->head.captured = length < most ? length : most;
	if (emit(skb, d))
		c->bytes_copied += d->head.captured;
	else
		lose_datagrams(c, length);
	return 0;
}

// True if user space may have forgotten this end.
static __always_inline bool is_due(struct flow *flow, __u64 at)
{
	bool due = at - flow->announced_at > ANNOUNCE_EVERY_NS || at - flow->seen_at > SILENT_NS;

	flow->seen_at = at;
	return due;
}

static __noinline int send_datagram(struct __sk_buff *skb)
{
	struct tap_counters *c = counter();
	struct bpf_sock *sk = skb->sk;
	struct piece d = {};
	struct ends p = {};

	if (!c || !sk || !read_datagram(skb, &d, &p))
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->type != TYPE_DATAGRAM || sk->protocol != PROTOCOL_UDP)
		return 0;
	identify(skb, &p, &d);
	c->packets++;
	c->bytes_seen += d.head.length;
	// Its place in the table of flows is kept by who receives it, if that is observed at all.
	if (is_passed_over(c, &d))
		return 0;
	__u32 pid = current_pid();
	__u64 own = d.head.connection ^ d.head.backward;
	struct flow *flow = bpf_map_lookup_elem(&flows, &own);
	d.head.at = bpf_ktime_get_ns();
	if (!flow || (pid && flow->owner != pid) || is_due(flow, d.head.at))
		meet(skb, &p, &d, pid, 1);
	return take_datagram(skb, &d);
}

static __noinline int receive_datagram(struct __sk_buff *skb)
{
	struct tap_counters *c = counter();
	struct bpf_sock *sk = skb->sk;
	struct piece d = {};
	struct ends p = {};

	if (!c || !sk || !read_datagram(skb, &d, &p))
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->type != TYPE_DATAGRAM || sk->protocol != PROTOCOL_UDP)
		return 0;
	identify(skb, &p, &d);
	// What an observed end sent was counted on its way out.
	__u64 own = d.head.connection ^ !d.head.backward;
	__u64 sender = d.head.connection ^ d.head.backward;
	if (bpf_map_lookup_elem(&flows, &sender))
		return 0;
	c->packets++;
	c->bytes_seen += d.head.length;
	struct flow *flow = bpf_map_lookup_elem(&flows, &own);
	if (flow && is_passed_over(c, &d))
		return 0;
	d.head.at = bpf_ktime_get_ns();
	if (!flow || is_due(flow, d.head.at))
		meet(skb, &p, &d, 0, 0);
	return take_datagram(skb, &d);
}

static __always_inline void note_maker(struct bpf_sock *sk)
{
	struct datagram_socket *s =
		bpf_sk_storage_get(&datagram_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!s)
		return;
	s->owner = bpf_get_current_pid_tgid() >> 32;
	s->netns = netns_at_creation(sk);
	bpf_get_current_comm(s->command, sizeof(s->command));
}

// The socket is closed: its flows are over, and the next socket of its port begins new ones.
static __always_inline void end_flows(struct bpf_sock *sk)
{
	struct datagram_socket *s = bpf_sk_storage_get(&datagram_sockets, sk, 0, 0);

	if (!s)
		return;
	for (int i = 0; i < SOCKET_FLOWS; i++) {
		if (!s->flows[i])
			continue;
		__u64 one = s->flows[i], two = one ^ 1;
		bpf_map_delete_elem(&flows, &one);
		bpf_map_delete_elem(&flows, &two);
		struct closed_record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
		if (!r)
			continue;
		__builtin_memset(r, 0, sizeof(*r));
		r->head.connection = one;
		r->head.at = bpf_ktime_get_ns();
		r->head.kind = RECORD_CLOSED;
		r->head.backward = s->backward[i];
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	}
}
