// SPDX-License-Identifier: GPL-2.0
/* /dev/emucxl: memory of a NUMA node that the caller names. See emucxl.h. */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "internal.h"

static long do_version(struct file *file, void __user *arg)
{
	struct emucxl_version version;
	bool fits;

	if (copy_from_user(&version, arg, sizeof(version)))
		return -EFAULT;
	if (version.flags)
		return -EINVAL;
	fits = version.major == EMUCXL_ABI_MAJOR && version.minor <= EMUCXL_ABI_MINOR;
	version = (struct emucxl_version){
		.major = EMUCXL_ABI_MAJOR,
		.minor = EMUCXL_ABI_MINOR,
		.features = EMUCXL_HUGE_ORDER ? EMUCXL_FEATURE_HUGE : 0,
		.page_size = PAGE_SIZE,
		.nodes = nr_node_ids,
	};
	if (copy_to_user(arg, &version, sizeof(version)))
		return -EFAULT;
	return fits ? 0 : -EPROTO;
}

static long do_use(struct file *file, void __user *arg)
{
	struct emucxl_use use;
	int node;

	if (copy_from_user(&use, arg, sizeof(use)))
		return -EFAULT;
	node = emucxl_node(use.node);
	if (use.flags || use.reserved || node < 0)
		return -EINVAL;
	emucxl_get_use(file->private_data, node, &use);
	return copy_to_user(arg, &use, sizeof(use)) ? -EFAULT : 0;
}

static long do_set_capacity(struct file *file, void __user *arg)
{
	struct emucxl_capacity capacity;
	int node;

	if (!uid_eq(current_fsuid(), file_inode(file)->i_uid) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&capacity, arg, sizeof(capacity)))
		return -EFAULT;
	node = emucxl_node(capacity.node);
	if (capacity.flags || node < 0)
		return -EINVAL;
	emucxl_set_capacity(node, capacity.capacity);
	return 0;
}

static long do_migrate(struct file *file, void __user *arg)
{
	struct emucxl_migrate migrate;
	long err;

	if (copy_from_user(&migrate, arg, sizeof(migrate)))
		return -EFAULT;
	err = emucxl_migrate(&migrate);
	return copy_to_user(arg, &migrate, sizeof(migrate)) ? -EFAULT : err;
}

static long do_where(struct file *file, void __user *arg)
{
	struct emucxl_where where;
	u64 __user *out;
	size_t nodes, rest;
	u64 *counts;
	long err;

	if (copy_from_user(&where, arg, sizeof(where)))
		return -EFAULT;
	if (where.flags || !where.nodes || where.nodes > EMUCXL_OFFSET_NODE + 1)
		return -EINVAL;
	out = u64_to_user_ptr(where.counts);
	nodes = min_t(size_t, where.nodes, nr_node_ids);
	rest = where.nodes - nodes;
	where.nodes = nodes;
	counts = kcalloc(nodes, sizeof(*counts), GFP_KERNEL_ACCOUNT);
	if (!counts)
		return -ENOMEM;
	err = emucxl_where(&where, counts);
	if (!err && (copy_to_user(out, counts, nodes * sizeof(*counts)) ||
		     clear_user(out + nodes, rest * sizeof(*counts))))
		err = -EFAULT;
	kfree(counts);
	return err;
}

static long emucxl_ioctl(struct file *file, unsigned int cmd, unsigned long raw)
{
	void __user *arg = (void __user *)raw;

	switch (cmd) {
	case EMUCXL_INIT:
		return put_user(0, (int __user *)arg);
	case EMUCXL_EXIT:
	case EMUCXL_ALLOC:
	case EMUCXL_FREE:
		return 0;
	case EMUCXL_VERSION:
		return do_version(file, arg);
	case EMUCXL_USE:
		return do_use(file, arg);
	case EMUCXL_SET_CAPACITY:
		return do_set_capacity(file, arg);
	case EMUCXL_MIGRATE:
		return do_migrate(file, arg);
	case EMUCXL_WHERE:
		return do_where(file, arg);
	default:
		return -ENOTTY;
	}
}

#ifdef CONFIG_COMPAT
/* In a 32-bit program, the paper's calls have the size of its pointers. */
#define EMUCXL_INIT_32	_IOW(EMUCXL_IOC_MAGIC, 1, compat_uptr_t)
#define EMUCXL_ALLOC_32	_IOR(EMUCXL_IOC_MAGIC, 3, compat_uptr_t)

static long emucxl_compat_ioctl(struct file *file, unsigned int cmd, unsigned long raw)
{
	if (cmd == EMUCXL_INIT_32)
		cmd = EMUCXL_INIT;
	else if (cmd == EMUCXL_ALLOC_32)
		cmd = EMUCXL_ALLOC;
	return emucxl_ioctl(file, cmd, (unsigned long)compat_ptr(raw));
}
#else
#define emucxl_compat_ioctl NULL
#endif

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/* The offset is none: aligns for huge pages as if it were 0. */
static unsigned long emucxl_get_unmapped_area(struct file *file, unsigned long addr,
					      unsigned long length, unsigned long pgoff,
					      unsigned long flags)
{
	return thp_get_unmapped_area(file, addr, length, 0, flags);
}
#else
#define emucxl_get_unmapped_area NULL
#endif

static int emucxl_open(struct inode *inode, struct file *file)
{
	int err = emucxl_objects_pin();

	if (err)
		return err;
	file->private_data = emucxl_account_new();
	if (file->private_data)
		return 0;
	emucxl_objects_unpin();
	return -ENOMEM;
}

static int emucxl_release(struct inode *inode, struct file *file)
{
	emucxl_account_put(file->private_data);
	emucxl_objects_unpin();
	return 0;
}

static const struct file_operations emucxl_fops = {
	.owner = THIS_MODULE,
	.open = emucxl_open,
	.release = emucxl_release,
	.mmap = emucxl_mmap,
	.get_unmapped_area = emucxl_get_unmapped_area,
	.unlocked_ioctl = emucxl_ioctl,
	.compat_ioctl = emucxl_compat_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice emucxl_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "emucxl",
	.fops = &emucxl_fops,
	.mode = 0660,
};

static int __init emucxl_module_init(void)
{
	int err;

	err = emucxl_accounts_init();
	if (err)
		return err;
	emucxl_device.groups = emucxl_attribute_groups;
	err = misc_register(&emucxl_device);
	if (err)
		emucxl_accounts_exit();
	return err;
}

static void __exit emucxl_module_exit(void)
{
	misc_deregister(&emucxl_device);
	emucxl_objects_exit();
	emucxl_accounts_exit();
}

module_init(emucxl_module_init);
module_exit(emucxl_module_exit);
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
MODULE_DESCRIPTION("Memory of a NUMA node that the caller names");
