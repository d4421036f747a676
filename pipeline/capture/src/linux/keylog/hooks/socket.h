// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// From a file descriptor of the current process to its connection, by the kernel's own tables.
// Their layout is read from the kernel's type information when the program is loaded.
#pragma once

#define FILE_TYPE 0170000
#define FILE_SOCKET 0140000

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct inode {
	__u16 i_mode;
} KERNEL_TYPE;

struct file {
	struct inode *f_inode;
	void *private_data;
} KERNEL_TYPE;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} KERNEL_TYPE;

struct files_struct {
	struct fdtable *fdt;
} KERNEL_TYPE;

struct task_struct {
	struct files_struct *files;
} KERNEL_TYPE;

struct ns_common {
	unsigned int inum;
} KERNEL_TYPE;

struct net {
	__u64 net_cookie;
	struct ns_common ns;
} KERNEL_TYPE;

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_word {
	__u32 words[4];
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	possible_net_t skc_net;
	struct in6_word skc_v6_daddr;
	struct in6_word skc_v6_rcv_saddr;
} KERNEL_TYPE;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
} KERNEL_TYPE;

struct socket {
	struct sock *sk;
} KERNEL_TYPE;

// A connection, and which end of it.
struct whose {
	__u64 connection;
	__u64 backward;
};

// Before the programs are loaded.
const volatile struct hook_settings settings;

static __always_inline struct sock *socket_of(__u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);

	if (!table || fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;
	if (bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return NULL;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & FILE_TYPE) != FILE_SOCKET)
		return NULL;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline void read_inet(struct sock *sk, struct ends *p)
{
	p->source[0] = p->target[0] = 0;
	p->source[1] = bpf_ntohl(BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	p->target[1] = bpf_ntohl(BPF_CORE_READ(sk, __sk_common.skc_daddr));
	p->loopback = (p->source[1] >> 24) == 127;
}

static __always_inline __u64 join(__u32 high, __u32 low)
{
	return (__u64)bpf_ntohl(high) << 32 | bpf_ntohl(low);
}

static __always_inline void read_inet6(struct sock *sk, struct ends *p)
{
	struct in6_word l = {}, r = {};

	BPF_CORE_READ_INTO(&l, sk, __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&r, sk, __sk_common.skc_v6_daddr);
	if (l.words[0] == 0 && l.words[1] == 0 && l.words[2] == bpf_htonl(0xffff)) {
		// An IPv4 connection on an IPv6 socket: on the wire it is IPv4.
		p->source[0] = p->target[0] = 0;
		p->source[1] = bpf_ntohl(l.words[3]);
		p->target[1] = bpf_ntohl(r.words[3]);
		p->loopback = (p->source[1] >> 24) == 127;
		return;
	}
	p->source[0] = join(l.words[0], l.words[1]);
	p->source[1] = join(l.words[2], l.words[3]);
	p->target[0] = join(r.words[0], r.words[1]);
	p->target[1] = join(r.words[2], r.words[3]);
	p->loopback = p->source[0] == 0 && p->source[1] == 1;
}

// What tells connections of the same loopback addresses apart, as the wire tap does it.
static __always_inline __u64 scope_of_socket(struct sock *sk, bool loopback)
{
	if (!loopback || settings.netns == FROM_NOWHERE)
		return 0;
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	if (settings.netns == FROM_MEMORY)
		return BPF_CORE_READ(net, ns.inum);
	return BPF_CORE_READ(net, net_cookie);
}

// The TCP connection behind the descriptor; false if there is none.
static __always_inline bool whose_is(__u32 fd, struct whose *whose)
{
	struct sock *sk = socket_of(fd);
	struct ends p = {};

	if (!sk || BPF_CORE_READ(sk, sk_type) != TYPE_STREAM ||
	    BPF_CORE_READ(sk, sk_protocol) != PROTOCOL_TCP)
		return false;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == ETH_FAMILY_INET)
		read_inet(sk, &p);
	else
		read_inet6(sk, &p);
	p.source[2] = BPF_CORE_READ(sk, __sk_common.skc_num);
	p.target[2] = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	whose->backward = is_backward(&p);
	whose->connection = connection_of(&p, scope_of_socket(sk, p.loopback) ^ PROTOCOL_TCP);
	return true;
}
