/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records between the wire tap and user space. Their Rust side, redsight-abi, asserts the sizes. */
#pragma once

#define ABI_VERSION 3
#define STEERING_SLOTS 65536
#define SILENT_BYTES_MAX (1024 * 1024)
/* Two segments of loopback, 65483 bytes each: TCP builds packets of at least two. */
#define PIECES_MAX 32
#define HEALTH_EVERY_MASK 0xff
#define DATAGRAM_BYTES_MAX 4096

enum record_kind {
	RECORD_SEGMENT = 1,
	RECORD_OPENED = 2,
	RECORD_ESTABLISHED = 3,
	RECORD_CLOSED = 4,
	RECORD_HEALTH = 5,
	RECORD_DATAGRAM = 6,
};

enum role { ROLE_UNKNOWN, ROLE_CLIENT, ROLE_SERVER };

enum steer {
	STEER_NOTHING = 1,
	STEER_EVERYTHING = 2,
	STEER_UNTIL_FORWARD = 4,
	STEER_UNTIL_BACKWARD = 8,
	STEER_FRAMES = 16,
	STEER_PACKETS = 32,
};

/* Starts every record. Times are CLOCK_MONOTONIC nanoseconds. */
struct record_head {
	__u64 connection;
	__u64 at;
	__u32 sequence;    /* of TCP; UDP: payload bytes of each datagram, if there are several */
	__u32 length;      /* payload bytes on the wire */
	__u32 lost_before; /* bytes of this direction lost since the record before */
	__u16 captured;    /* payload bytes that follow */
	__u8 kind;
	__u8 backward : 1, in_order : 1, begins : 1, unused : 5; /* begins: the socket's first */
	__u8 flags;        /* TCP flags */
	__u8 padding[7];
};

struct opened_record {
	struct record_head head;
	/* Address high, address low, port; `high` and the upper half of `low` are 0 for IPv4. */
	__u64 local[3];
	__u64 remote[3];
	__u64 netns;
	__u32 pid;
	__u8 role;
	__u8 protocol;
	__u8 padding[2];
	char command[16];
};

struct established_record {
	struct record_head head;
	__u32 local_sequence;  /* of the next byte to send */
	__u32 remote_sequence; /* of the next byte to receive */
	__u32 rtt_us;
	__u8 role;
	__u8 peer_observed; /* the other end's packets pass here too */
	__u8 padding[2];
};

struct closed_record {
	struct record_head head;
	__u64 unreported;
	__u64 lost;
	__u32 rtt_us;
	__u32 retransmits;
	/* Of the direction towards a socket whose peer is not observed. */
	__u32 in_sequence;
	__u32 in_lost;
	/* Of the other direction, if the steering table may have told of it; see steering. */
	__u32 out_sequence;
	__u8 in_pending;
	__u8 out_pending;
	__u8 padding[2];
};

struct health_record {
	struct record_head head;
	__u32 rtt_us;
	__u32 retransmits;
};

/* Where a fact comes from. */
enum source { FROM_NOWHERE, FROM_HELPER, FROM_MEMORY };

/* What this kernel allows; known before the programs are loaded. */
struct tap_settings {
	/* enum source each: */
	__u8 netns;
	__u8 handshake_netns;
	__u8 pid; /* of who sends */
	__u8 command;
	/* Where it lies in the kernel's own structures. */
	__u32 sock_net;
	__u32 net_inode;
	__u32 task_tgid;
	__u32 task_comm;
};

/* What user space wants of one connection. Sequence numbers are those of the next byte wanted. */
struct steering {
	__u64 connection;
	__u32 until[2];
	__u32 mode;
	__u32 padding;
	/* Written by the kernel: bytes of unwanted datagrams since user space looked last; of TCP,
	 * the sequence number up to which nothing was wanted, and above it the upper half of the
	 * connection. */
	__u64 passed[2];
};

struct tap_counters {
	__u64 packets;
	__u64 bytes_seen;
	__u64 bytes_copied;
	__u64 bytes_lost;
	__u64 records_lost;
	__u64 retransmitted_bytes;
	__u64 bytes_orphaned; /* counted as lost or skipped, and no record will tell */
	__u64 bytes_passed;   /* of unwanted datagrams: told by the steering table */
};
