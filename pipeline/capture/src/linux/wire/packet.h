// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Headers of packets and sockets: where they go, what they carry, which connection they are of.
#pragma once

#define ETH_FAMILY_INET 2
#define ETH_FAMILY_INET6 10
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
// SOCK_STREAM. Raw sockets carry TCP packets too, of whatever connection.
#define TYPE_STREAM 1
#define TCP_PSH 0x08

// Where a packet comes from and goes to: address high, address low, port, as model::Endpoints.
struct ends {
	__u64 source[3];
	__u64 target[3];
	bool loopback;
};

// What the TCP header says.
struct segment {
	__u32 offset; // of the payload
	__u32 length; // of the payload
	__u32 sequence;
	__u8 flags;
};

static __always_inline bool is_syn_ack(const struct segment *t)
{
	return (t->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

static __always_inline __u64 mix(__u64 value)
{
	value = (value ^ (value >> 32)) * 0x9E3779B97F4A7C15ull;
	value = (value ^ (value >> 29)) * 0xBF58476D1CE4E5B9ull;
	return value ^ (value >> 32);
}

static __always_inline bool is_backward(const struct ends *p)
{
	if (p->source[0] != p->target[0])
		return p->source[0] > p->target[0];
	if (p->source[1] != p->target[1])
		return p->source[1] > p->target[1];
	return p->source[2] > p->target[2];
}

// The same function as model::Endpoints::connection.
static __noinline __u64 connection_of(const struct ends *p, __u64 scope)
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

// Reads the headers of a TCP packet; they are in reach of direct access in both directions. False
// if this is none. Extension headers of IPv6 are rare enough on TCP to be left out.
static __always_inline bool read_segment(struct __sk_buff *skb, struct segment *t)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 at;

	if (data + 40 > end)
		return false;
	__u8 first = *(__u8 *)data;
	if ((first >> 4) == 4) {
		// Only the first fragment has a transport header, and the rest of it is elsewhere.
		if (*(__u8 *)(data + 9) != PROTOCOL_TCP ||
		    (*(__u16 *)(data + 6) & bpf_htons(0x1fff)))
			return false;
		at = (first & 15) * 4;
	} else {
		if (*(__u8 *)(data + 6) != PROTOCOL_TCP)
			return false;
		at = 40;
	}
	void *tcp = data + (at & 63);
	if (tcp + 20 > end)
		return false;
	t->sequence = bpf_ntohl(*(__u32 *)(tcp + 4));
	t->offset = at + (*(__u8 *)(tcp + 12) >> 4) * 4;
	t->flags = *(__u8 *)(tcp + 13);
	t->length = skb->len > t->offset ? skb->len - t->offset : 0;
	return true;
}

static __always_inline void read_ports(void *tcp, struct ends *p)
{
	p->source[2] = bpf_ntohs(*(__u16 *)tcp);
	p->target[2] = bpf_ntohs(*(__u16 *)(tcp + 2));
}

// Reads the addresses and ports of a TCP or UDP packet.
static __always_inline bool read_ends(struct __sk_buff *skb, struct ends *p)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 20 > end)
		return false;
	__u8 first = *(__u8 *)data;
	if ((first >> 4) == 4) {
		p->source[0] = p->target[0] = 0;
		p->source[1] = bpf_ntohl(*(__u32 *)(data + 12));
		p->target[1] = bpf_ntohl(*(__u32 *)(data + 16));
		p->loopback = (p->source[1] >> 24) == 127;
		void *tcp = data + ((first & 15) * 4 & 63);
		if (tcp + 4 > end)
			return false;
		read_ports(tcp, p);
		return true;
	}
	if (data + 44 > end)
		return false;
	p->source[0] = bpf_be64_to_cpu(*(__u64 *)(data + 8));
	p->source[1] = bpf_be64_to_cpu(*(__u64 *)(data + 16));
	p->target[0] = bpf_be64_to_cpu(*(__u64 *)(data + 24));
	p->target[1] = bpf_be64_to_cpu(*(__u64 *)(data + 32));
	p->loopback = p->source[0] == 0 && p->source[1] == 1;
	read_ports(data + 40, p);
	return true;
}

static __always_inline void read_sockops(struct bpf_sock_ops *ops, struct ends *p)
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

// Copies `n` bytes of a packet, at least one and at most `most`. The verifiers of 5.10 and 6.1
// learn nothing from a comparison with zero: one less, and one more again, says the same to all.
static __always_inline bool load(struct __sk_buff *skb, __u32 offset, void *to, __u64 n,
				 __u64 most)
{
	__u64 last = n - 1;

	asm volatile("" : "+r"(last));
	return last < most && !bpf_skb_load_bytes(skb, offset, to, last + 1);
}
