// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// The scope of what is bound to processes: a process that has left it is not read any more.
#pragma once

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, KEYLOG_CGROUPS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} cgroups SEC(".maps");

// `count` cgroups; none is the whole host.
static __always_inline bool is_in_scope(__u32 count)
{
	if (!count)
		return true;
	for (__u32 i = 0; i < KEYLOG_CGROUPS_MAX && i < count; i++) {
		if (bpf_current_task_under_cgroup(&cgroups, i) == 1)
			return true;
	}
	return false;
}
