/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The interface of /dev/emucxl: memory of a NUMA node that the caller names.
 *
 *	fd = open("/dev/emucxl", O_RDWR);
 *	p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, node * 4096);
 *
 * gives zeroed memory whose pages are all on that node, or fails with ENOMEM.
 * Each call makes memory of its own, whatever its offset. It is shared with
 * the processes that fork, moves with mremap(2) but does not grow, is never
 * executable, and goes back to the node when its last mapping is gone.
 *
 * Errors of mmap: EINVAL a node that does not exist, a flag that is unknown,
 * MAP_PRIVATE, or a size that huge pages do not divide; EACCES a descriptor
 * that was not opened for reading and writing; EPERM PROT_EXEC; ENOMEM the
 * node, its capacity, the user's limit or the memory cgroup has no more, or the
 * caller's cpuset lacks the node; EINTR killed meanwhile; ENFILE the system has
 * as many files open as it may, of which each mapping is one; EOPNOTSUPP huge
 * pages that this kernel lacks.
 *
 * Capacities and limits count what is mapped. What somebody pins, by a pipe or
 * io_uring say, and then unmaps, is on the memory cgroup's account alone. Memory
 * that the hardware reports as damaged gives SIGBUS, and is not moved.
 */
#ifndef EMUCXL_H
#define EMUCXL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The offset of mmap(2), in pages: the node, and what else is asked for. */
#define EMUCXL_OFFSET_NODE	0xffffUL
#define EMUCXL_OFFSET_HUGE	0x10000UL	/* pages of 2 MiB, or ENOMEM */
#define EMUCXL_OFFSET_DUMP	0x20000UL	/* to be in core dumps */

/*
 * The first paper's calls, which its library makes. Their sizes are those of
 * pointers. INIT writes an int 0 to its argument; the others do nothing, and
 * do not look at theirs.
 */
struct emucxl_init_arg {
	int return_value;
};

struct emucxl_alloc_arg {
	int size;
	int numa_node;
};

#define EMUCXL_IOC_MAGIC	'e'
#define EMUCXL_INIT	_IOW(EMUCXL_IOC_MAGIC, 1, struct emucxl_init_arg *)
#define EMUCXL_EXIT	_IO(EMUCXL_IOC_MAGIC, 2)
#define EMUCXL_ALLOC	_IOR(EMUCXL_IOC_MAGIC, 3, struct emucxl_alloc_arg *)
#define EMUCXL_FREE	_IO(EMUCXL_IOC_MAGIC, 4)

/*
 * What follows is new. Counts are bytes unless they say pages of 4096 bytes
 * (the kernel's PAGE_SIZE, where that differs). `flags` and `reserved` must be
 * 0: EINVAL otherwise. A pointer that cannot be read or written is EFAULT.
 */
#define EMUCXL_ABI_MAJOR	1	/* changes when old callers would break */
#define EMUCXL_ABI_MINOR	0	/* changes when something is added */

/*
 * The handshake. In: the version that the caller was written for. Out: the
 * module's. EPROTO, with the module's version filled in, if the major versions
 * differ or the module's minor one is lower. The original module has no such
 * call: there it fails with EINVAL, or ENOTTY.
 */
struct emucxl_version {
	__u16 major;
	__u16 minor;
	__u32 flags;
	__u64 features;			/* out: EMUCXL_FEATURE_* */
	__u32 page_size;		/* out */
	__u32 nodes;			/* out: ids are below this; there may be holes */
};

#define EMUCXL_FEATURE_HUGE	1ULL	/* EMUCXL_OFFSET_HUGE */

/* How much of a node there is, and who uses it. EINVAL: no such node. */
struct emucxl_use {
	__u32 node;			/* in */
	__u32 flags;
	__u64 capacity;			/* what all may use together */
	__u64 used;			/* by all */
	__u64 user_used;		/* by the user who opened this file */
	__u64 file_used;		/* through this open file */
	__u64 user_limit;		/* of each user, over all nodes */
	__u32 state;			/* EMUCXL_NODE_* */
	__u32 reserved;
};

#define EMUCXL_NODE_MEMORY	1	/* has memory */
#define EMUCXL_NODE_USABLE	2	/* some of it can be mapped: not all is ZONE_MOVABLE */
#define EMUCXL_NODE_CPU		4	/* has CPUs */

/*
 * Sets a node's capacity; U64_MAX is all that the node has. What is mapped
 * beyond a lower one stays. For the owner of the device file, and those with
 * CAP_SYS_ADMIN: EPERM otherwise.
 */
struct emucxl_capacity {
	__u32 node;
	__u32 flags;
	__u64 capacity;
};

/*
 * Moves the memory behind [addr, addr + length), a multiple of pages within
 * mappings of the caller, to a node. It stays mapped and keeps its contents,
 * for all who share it, and they may use it meanwhile. Pages that others hold
 * (by O_DIRECT, say) for longer than some milliseconds stay and are counted as
 * failed; a huge page moves as a whole. Counts are right after an error, too:
 * ENOMEM when the node or its capacity has no more, EINTR at a signal, or what
 * else interrupts a call: it can be made again; the pages that were not reached
 * stay. EINVAL: an address or length that is no multiple of pages, no such node;
 * EFAULT: not memory of this device.
 */
struct emucxl_migrate {
	__u64 addr;
	__u64 length;
	__u32 node;
	__u32 flags;
	__u64 moved;			/* out, pages: those that were elsewhere */
	__u64 failed;			/* out, pages */
};

/*
 * Where the memory behind [addr, addr + length) is: writes to `counts`, an
 * array of `nodes` __u64 (at most 65,536), how many pages of it are on each
 * node. Pages of a node beyond the array are left out. Errors as of EMUCXL_MIGRATE.
 */
struct emucxl_where {
	__u64 addr;
	__u64 length;
	__u64 counts;			/* pointer */
	__u32 nodes;
	__u32 flags;
};

#define EMUCXL_VERSION		_IOWR(EMUCXL_IOC_MAGIC, 16, struct emucxl_version)
#define EMUCXL_USE		_IOWR(EMUCXL_IOC_MAGIC, 17, struct emucxl_use)
#define EMUCXL_SET_CAPACITY	_IOW(EMUCXL_IOC_MAGIC, 18, struct emucxl_capacity)
#define EMUCXL_MIGRATE		_IOWR(EMUCXL_IOC_MAGIC, 19, struct emucxl_migrate)
#define EMUCXL_WHERE		_IOW(EMUCXL_IOC_MAGIC, 20, struct emucxl_where)

#endif /* EMUCXL_H */
