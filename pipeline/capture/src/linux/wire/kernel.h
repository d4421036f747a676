// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// What kernels differ in: which helpers the programs at a packet may call. The loader finds out and
// says so in `settings`, which the verifier knows as constants: what is not to be used is cut out.
//
//   bpf_get_netns_cookie       at a packet since 6.15, at a handshake since 5.15
//   bpf_get_current_pid_tgid   at a packet since 6.10
//   bpf_get_current_comm       at a packet since 6.16
//
// Where a helper lacks, the same is read from the kernel's memory, at places that the kernel's own
// type information (BTF) names.
#pragma once

// Before the programs are loaded.
const volatile struct tap_settings settings;

// The verifier forbids arithmetic on a socket's pointer, and allows it on a number.
static __always_inline __u64 address_of(void *pointer)
{
	void *volatile held = pointer;
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), (void *)&held);
	return address;
}

static __always_inline __u64 word_at(__u64 address, __u32 offset)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (void *)(address + offset));
	return word;
}

// The inode number of the network namespace: its cookie is not always set before Linux 5.12, and
// this is what /proc calls it.
static __always_inline __u64 netns_in_memory(void *sk)
{
	if (settings.netns != FROM_MEMORY)
		return 0;
	__u64 net = word_at(address_of(sk), settings.sock_net);

	return (__u32)word_at(net, settings.net_inode);
}

// Of a packet's socket.
static __always_inline __u64 netns_at_packet(struct __sk_buff *skb)
{
	return settings.netns == FROM_HELPER ? bpf_get_netns_cookie(skb) : netns_in_memory(skb->sk);
}

// Of a socket that is made: this helper is as old as the program.
static __always_inline __u64 netns_at_creation(struct bpf_sock *sk)
{
	return settings.netns == FROM_MEMORY ? netns_in_memory(sk) : bpf_get_netns_cookie(sk);
}

// Of an established one; 0 if it cannot be had.
static __always_inline __u64 netns_at_handshake(struct bpf_sock_ops *ops)
{
	if (settings.netns == FROM_MEMORY)
		return netns_in_memory(ops->sk);
	return settings.handshake_netns == FROM_HELPER ? bpf_get_netns_cookie(ops) : 0;
}

// What tells connections of the same loopback addresses apart. All programs must know it, or both
// ends would have different names.
static __always_inline __u64 scope_of(const struct ends *p, __u64 netns)
{
	return p->loopback && settings.netns != FROM_NOWHERE ? netns : 0;
}

// The process that runs now, as a packet's program may know it; 0 if it may not.
static __always_inline __u32 current_pid(void)
{
	if (settings.pid == FROM_HELPER)
		return bpf_get_current_pid_tgid() >> 32;
	if (settings.pid == FROM_MEMORY)
		return word_at(bpf_get_current_task(), settings.task_tgid);
	return 0;
}

// Its command.
static __always_inline void current_command(char *command)
{
	if (settings.command == FROM_HELPER)
		bpf_get_current_comm(command, 16);
	else if (settings.command == FROM_MEMORY)
		bpf_probe_read_kernel(command, 16,
				      (void *)(bpf_get_current_task() + settings.task_comm));
	else
		command[0] = 0;
}
