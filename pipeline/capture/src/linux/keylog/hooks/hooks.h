/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What crosses between the plaintext probes and user space. The Rust side, redsight-abi, asserts
 * the sizes. */
#pragma once

/* Bytes copied of one call: a TLS record holds no more. */
#define HOOK_BYTES_MAX 16384
/* The value of attached probes: what the function is. */
#define HOOK_KIND 3
#define HOOK_LENGTH_AT_POINTER 4

enum hook_kind {
	HOOK_READ,   /* (object, buffer, …) takes what was opened */
	HOOK_WRITE,  /* (object, buffer, …) gives what is to be sealed */
	HOOK_SOCKET, /* (descriptor, …) sends or receives what is sealed */
	HOOK_FORGET, /* (object): the object is another connection's from now on */
};

struct hook_settings {
	__u32 cgroups; /* of the scope; none is the whole host */
	__u32 netns;   /* enum source: where the wire tap has the namespace from */
};

/* One call that returned; the bytes follow. */
struct hook_record {
	__u64 connection; /* as the wire tap names it */
	__u64 at;         /* CLOCK_MONOTONIC nanoseconds */
	__u64 before;     /* bytes of this direction that calls before it told of */
	__u32 pid;
	__u32 length;     /* bytes the call took or gave */
	__u32 captured;   /* of these, how many follow */
	__u32 backward;
};

struct hook_counters {
	__u64 calls;      /* that gave or took bytes */
	__u64 traps;      /* probes that fired, both sides of a call counted */
	__u64 bytes;      /* plaintext these calls had */
	__u64 lost;       /* bytes that found the ring full */
	__u64 unreadable; /* bytes that were not in memory */
	__u64 unbound;    /* bytes of calls whose connection is not known */
	__u64 outside;    /* the process had left the scope */
};
