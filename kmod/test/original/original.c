// SPDX-License-Identifier: GPL-2.0
/*
 * A stand-in for the first paper's own module, for the tests of what emucxl does
 * on it: pages of the node in the offset, mapped one by one, and the four calls.
 * No version, no migration, no counters. It frees what it maps; the original
 * does not.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/uaccess.h>

struct init_arg {
	int return_value;
};

static int original_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long node = vma->vm_pgoff, address;
	int err;

	if (node >= nr_node_ids || !node_state(node, N_MEMORY))
		return -EINVAL;
	for (address = vma->vm_start; address < vma->vm_end; address += PAGE_SIZE) {
		struct page *page = alloc_pages_node(node, GFP_HIGHUSER | __GFP_ZERO, 0);

		if (!page)
			return -ENOMEM;
		err = vm_insert_page(vma, address, page);
		put_page(page);		/* the page table has a reference of its own */
		if (err)
			return err;
	}
	return 0;
}

static long original_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case _IOW('e', 1, struct init_arg *):
		return put_user(0, (int __user *)arg);
	case _IO('e', 2):
	case _IO('e', 4):
		return 0;
	default:
		return -EINVAL;
	}
}

static const struct file_operations original_fops = {
	.owner = THIS_MODULE,
	.mmap = original_mmap,
	.unlocked_ioctl = original_ioctl,
};

static struct miscdevice original_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "emucxl",
	.fops = &original_fops,
	.mode = 0660,
};

module_misc_device(original_device);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A stand-in for the first paper's module");
