// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// What the tap remembers: per socket, per connection wish, per CPU.
#pragma once

// A turn is what one end sends before the other one answers. Its first bytes hold the message
// heads. User space may lower it while the programs run; zero copies nothing at all.
volatile __u32 turn_budget_bytes = 64 * 1024;

// What the tap knows about one socket.
struct direction_state {
	__u32 next_sequence; // first stream byte not yet accounted for
	__u32 budget;        // bytes of this turn still to copy
	__u32 lost;          // lost since the last record
	__u32 silent;        // skipped since the last record
	__u32 frame_end;     // where the next frame begins
	__u32 kept_to;       // of the frame under way, what is copied even if the rest is not
	__u8 started;
	__u8 begun;          // a record of it was handed on
	__u8 framing;        // FRAMING_*
	__u8 prefaced;       // it began with the preface of HTTP/2, which nothing else does
	__u8 is_database;    // it began as MySQL or PostgreSQL does
	__u8 skips;          // the payload of the frame under way is not copied
	__u8 head_have;      // bytes of a head that two packets share
	__u8 number;         // of the packet of MySQL under way
	__u8 is_turn;        // a turn begins with the next byte
	__u8 told;           // how far it is was written into the steering table once
	__u64 head;          // these bytes
	// Of the packet that is walked through, see frames.h.
	__u64 connection, time;
	__u32 sequence, length, offset, until;
	__u32 at, from, skipped, heads;
	__u8 over, walking, flags, backward, in_order, outgoing;
	__u8 doubts; // heads until frames found midway are believed
	__u8 pause;  // packets until they are looked for again
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
	__u8 noted;     // it stands among the senders
	__u8 orphaned;  // it closed, and no record told of what it had still to report
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
	__uint(max_entries, 131072);
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

// What is wanted of this connection; NULL if nobody has said.
static __always_inline const struct steering *wish_of(__u64 connection)
{
	__u32 slot = connection & (STEERING_SLOTS - 1);
	const struct steering *wish = bpf_map_lookup_elem(&steering, &slot);

	return wish && wish->connection == connection ? wish : NULL;
}

static __always_inline struct tap_counters *counter(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&counters, &zero);
}
