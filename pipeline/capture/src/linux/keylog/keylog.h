/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What crosses between the key-log probe and user space. The Rust side, redsight-abi, asserts the
 * sizes. */
#pragma once

#define KEYLOG_SLOTS 1024
#define KEYLOG_SECRET_MIN 16
#define KEYLOG_SECRET_MAX 64
#define KEYLOG_RANDOM_BYTES 32
#define KEYLOG_LABELS_MAX 12
#define KEYLOG_ANCHORS_MAX 1024
#define KEYLOG_CGROUPS_MAX 64
/* Numbers of registers are those of struct pt_regs of x86-64. */
#define KEYLOG_REGISTERS 16
#define KEYLOG_NOWHERE 0xff

struct keylog_settings {
	__u32 cgroup_count; /* of the scope; none is the whole host */
	__u32 row;          /* of all probes of the program, where they have no numbers */
};

enum keylog_state { KEYLOG_FREE, KEYLOG_WRITING, KEYLOG_READY };

/* Where label, secret, length and client random are when a probe fires. */
struct keylog_anchor {
	/* From the instruction to each label in memory. */
	__s64 distances[KEYLOG_LABELS_MAX];
	__u8 numbers[KEYLOG_LABELS_MAX];
	__u8 labels;
	__u8 label;  /* register */
	__u8 secret; /* register */
	__u8 length; /* register, or KEYLOG_NOWHERE: on the stack */
	__u8 length_at;
	__u8 random; /* register to start from, or KEYLOG_NOWHERE */
	__u8 is_through;
	__u8 padding;
	__s32 through;
	__s32 random_at;
	__u32 unused;
};

/* One secret on its way; user space wipes it. */
struct keylog_secret {
	__u64 at; /* CLOCK_MONOTONIC nanoseconds */
	__u32 state;
	__u32 pid;
	__u32 length;
	__u8 label;
	__u8 has_random;
	__u16 unused;
	__u8 random[KEYLOG_RANDOM_BYTES];
	__u8 secret[KEYLOG_SECRET_MAX];
};

struct keylog_counters {
	__u64 claimed;    /* slots asked for: the next one is this number's */
	__u64 published;  /* secrets written */
	__u64 lost;       /* found no free slot */
	__u64 unreadable; /* memory or length was not what it should be */
	__u64 outside;    /* the process has left the scope */
};
