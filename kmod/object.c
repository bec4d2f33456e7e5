// SPDX-License-Identifier: GPL-2.0
/*
 * What one mmap() makes: pages on a node, and a file of a private file system
 * that replaces the device in the mapping, so that struct file counts the
 * mappings over fork, split and mremap, and its release frees the pages.
 *
 * All pages are allocated in mmap(): a node that is full is an error there, not
 * a SIGBUS later. The page tables are filled by faults.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "internal.h"

#define EMUCXL_FS_MAGIC 0x656d7563	/* "emuc" */

static struct vfsmount *mount;	/* there while files are open or memory is mapped */
static int mount_pins;
static atomic_long_t objects;
static atomic_long_t pages;
static const struct vm_operations_struct emucxl_vm_ops;

long emucxl_objects_count(void)
{
	return atomic_long_read(&objects);
}

long emucxl_pages_count(void)
{
	return atomic_long_read(&pages);
}

/**
 * emucxl_page_alloc() - a page, or a huge one, on one node alone
 * @node: the node
 * @order: 0, or EMUCXL_HUGE_ORDER
 * @zero: whether it is to be zeroed
 *
 * Charged to the memory cgroup that is active. A node, or a cgroup, without room
 * for it is no reason to kill anybody, though it may be one for what the kernel
 * allocates beside it.
 *
 * Return: the head page, with one reference, or NULL.
 */
struct page *emucxl_page_alloc(int node, unsigned int order, bool zero)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_THISNODE | __GFP_NOWARN |
		    __GFP_RETRY_MAYFAIL | (zero ? __GFP_ZERO : 0);
	struct page *page = order ? emucxl_alloc_huge(gfp, node) : alloc_pages_node(node, gfp, 0);

	if (page)
		atomic_long_add(1L << order, &pages);
	return page;
}

/* Gives a page its place in the object: a shared futex finds its key there. */
void emucxl_page_attach(struct emucxl_object *object, struct page *page, unsigned long unit)
{
	emucxl_set_dirty(page);
	emucxl_set_mapping(page, object->inode->i_mapping, unit << object->order);
}

/* The caller holds the page's lock: who has pinned it may be marking it as dirty. */
void emucxl_page_detach(struct page *page)
{
	emucxl_set_mapping(page, NULL, 0);
}

/* Whether the hardware has reported a part of it: nobody is to touch it again. */
bool emucxl_page_damaged(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		if (PageHWPoison(page + i))
			return true;
	return false;
}

/*
 * Lets go of a page. One that is pinned goes when its last pin does. A huge page
 * with a damaged part is lost: the kernel would give it out again as it is.
 */
void emucxl_page_put(struct page *page, unsigned int order)
{
	atomic_long_sub(1L << order, &pages);
	if (!order || !emucxl_page_damaged(page, order))
		put_page(page);
}

/* Frees the units [first, last]: nobody maps them, or sem is held for writing. */
static void free_units(struct emucxl_object *object, unsigned long first, unsigned long last)
{
	unsigned long unit;
	struct page *page;

	xa_for_each_range(&object->pages, unit, page, first, last) {
		int node = page_to_nid(page);

		xa_erase(&object->pages, unit);
		lock_page(page);
		emucxl_page_detach(page);
		unlock_page(page);
		emucxl_page_put(page, object->order);
		emucxl_uncharge(object->account, node, 1UL << object->order);
		cond_resched();
	}
}

/* Allocates all pages. What it has when it fails is freed with the object. */
static int allocate_units(struct emucxl_object *object)
{
	unsigned long unit, count = object->unallocated >> object->order;

	for (unit = 0; unit < count; unit++) {
		struct page *page;
		int err;

		if (fatal_signal_pending(current))
			return -EINTR;
		page = emucxl_page_alloc(object->node, object->order, true);
		if (!page)
			return -ENOMEM;
		emucxl_page_attach(object, page, unit);
		err = xa_err(xa_store(&object->pages, unit, page,
				      GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN));
		if (err) {
			emucxl_page_detach(page);
			emucxl_page_put(page, object->order);
			return err;
		}
		object->unallocated -= 1UL << object->order;
		cond_resched();
	}
	return 0;
}

static void free_object(struct emucxl_object *object)
{
	free_units(object, 0, ULONG_MAX);
	emucxl_uncharge(object->account, object->node, object->unallocated);
	xa_destroy(&object->pages);
	emucxl_account_put(object->account);
	mem_cgroup_put(object->memcg);
	kfree(object);
	emucxl_objects_unpin();
	atomic_long_dec(&objects);
}

static int object_release(struct inode *inode, struct file *file)
{
	free_object(file->private_data);
	return 0;
}

/* The owner is what __fput() drops: object_file() takes it. */
static const struct file_operations object_fops = {
	.owner = THIS_MODULE,
	.release = object_release,
	.fsync = noop_fsync,
	.llseek = noop_llseek,
};

/* An object without pages, charged for @count pages on @node. */
static struct emucxl_object *new_object(struct emucxl_account *account, int node,
					unsigned long count, unsigned int order)
{
	struct emucxl_object *object = kzalloc(sizeof(*object), GFP_KERNEL_ACCOUNT);
	int err;

	if (!object)
		return ERR_PTR(-ENOMEM);
	err = emucxl_objects_pin();
	if (err)
		goto no_pin;
	err = emucxl_charge(account, node, count);
	if (err)
		goto no_charge;
	init_rwsem(&object->sem);
	xa_init_flags(&object->pages, XA_FLAGS_ACCOUNT);
	object->account = account;
	object->memcg = get_mem_cgroup_from_mm(current->mm);
	object->order = order;
	object->node = node;
	object->unallocated = count;
	emucxl_account_get(account);
	atomic_long_inc(&objects);
	return object;

no_charge:
	emucxl_objects_unpin();
no_pin:
	kfree(object);
	return ERR_PTR(err);
}

/* The file that stands for a new object: its release frees the object. */
static struct file *object_file(struct emucxl_object *object)
{
	struct inode *inode = alloc_anon_inode(mount->mnt_sb);
	struct file *file;

	if (IS_ERR(inode)) {
		free_object(object);
		return ERR_CAST(inode);
	}
	inode->i_flags |= S_NOCMTIME | S_NOATIME;
	inode->i_size = (loff_t)object->unallocated << PAGE_SHIFT;
	object->inode = inode;

	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(inode, mount, "emucxl", O_RDWR, &object_fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		iput(inode);
		free_object(object);
		return file;
	}
	file->private_data = object;
	return file;
}

/*
 * VM_FAULT_LOCKED: from here until the core has made the page table entry and
 * unlocked the page, the page's lock stands for this fault, and migration waits.
 */
static vm_fault_t emucxl_fault(struct vm_fault *vmf)
{
	struct emucxl_object *object = vmf->vma->vm_file->private_data;
	vm_fault_t result = VM_FAULT_SIGBUS;
	struct page *page;

	down_read(&object->sem);
	page = xa_load(&object->pages, vmf->pgoff >> object->order);
	if (page && emucxl_page_damaged(page, object->order)) {
		result = VM_FAULT_HWPOISON;
	} else if (page) {
		get_page(page);
		lock_page(page);
		vmf->page = page + (vmf->pgoff & ((1UL << object->order) - 1));
		result = VM_FAULT_LOCKED;
	}
	up_read(&object->sem);
	return result;
}

/* The offset, in pages, after that of the last page of a mapping. */
static unsigned long pgoff_end(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma);
}

#define VMA_OF(node) rb_entry(node, struct vm_area_struct, shared.rb)

/* Of the mappings that reach beyond an offset, the one that begins first; or NULL. */
static struct rb_node *first_beyond(struct address_space *mapping, unsigned long pgoff)
{
	struct rb_node *node = mapping->i_mmap.rb_root.rb_node, *found = NULL;

	while (node) {
		struct rb_node *left = node->rb_left;

		if (left && VMA_OF(left)->shared.rb_subtree_last >= pgoff) {
			node = left;
			continue;
		}
		if (pgoff_end(VMA_OF(node)) > pgoff) {
			found = node;
			break;
		}
		node = node->rb_right;
		if (node && VMA_OF(node)->shared.rb_subtree_last < pgoff)
			break;
	}
	return found;
}

/*
 * Finds the first of the units [at, end) that no mapping of any process covers,
 * and puts in @gap_end where those end. No mapping can come to cover them later:
 * new ones come from others, by fork, split and mremap, and show the same units.
 */
static unsigned long find_gap(struct emucxl_object *object, unsigned long at, unsigned long end,
			      unsigned long *gap_end)
{
	struct address_space *mapping = object->inode->i_mapping;
	unsigned int order = object->order;
	struct rb_node *node;

	*gap_end = end;
	i_mmap_lock_read(mapping);
	for (node = first_beyond(mapping, at << order); node && at < end; node = rb_next(node)) {
		unsigned long first = VMA_OF(node)->vm_pgoff >> order;
		unsigned long after = ((pgoff_end(VMA_OF(node)) - 1) >> order) + 1;

		if (first > at) {
			*gap_end = min(first, end);
			break;
		}
		at = max(at, after);
	}
	i_mmap_unlock_read(mapping);
	return at;
}

/*
 * A mapping, or a part of one, is gone, and no longer in i_mmap: frees the units
 * that were its alone.
 */
static void emucxl_vma_close(struct vm_area_struct *gone)
{
	struct emucxl_object *object = gone->vm_file->private_data;
	unsigned long at = gone->vm_pgoff >> object->order;
	unsigned long end = ((pgoff_end(gone) - 1) >> object->order) + 1;
	unsigned long gap_end;

	down_write(&object->sem);
	for (at = find_gap(object, at, end, &gap_end); at < end;
	     at = find_gap(object, gap_end, end, &gap_end))
		free_units(object, at, gap_end - 1);
	up_write(&object->sem);
}

#ifdef CONFIG_NUMA
/*
 * A policy without MPOL_F_MOF, "migrate on fault": else NUMA balancing would
 * take page table entries away, to see who touches pages that it cannot move.
 */
static struct mempolicy policy = { .refcnt = ATOMIC_INIT(1), .mode = MPOL_LOCAL };

static struct mempolicy *emucxl_get_policy(EMUCXL_POLICY_ARGS)
{
	return &policy;
}

/* get_mempolicy(2) holds the policy a little longer than the mapping. */
static void wait_for_policy(void)
{
	while (atomic_read(&policy.refcnt) != 1)
		msleep(20);
}
#else
static void wait_for_policy(void)
{
}
#endif

static const struct vm_operations_struct emucxl_vm_ops = {
	.fault = emucxl_fault,
	.close = emucxl_vma_close,
#ifdef CONFIG_NUMA
	.get_policy = emucxl_get_policy,
#endif
};

/* The object that a mapping shows, or NULL: the caller holds mmap_lock. */
struct emucxl_object *emucxl_object_of(struct vm_area_struct *vma)
{
	return vma->vm_ops == &emucxl_vm_ops ? vma->vm_file->private_data : NULL;
}

/**
 * emucxl_mmap() - maps fresh memory of the node that the offset names
 * @file: an open file of the device
 * @vma: the mapping that is being made
 *
 * Without VM_DONTEXPAND, mremap() would grow the mapping beyond its pages, and
 * the kernel would merge it with its neighbours.
 *
 * Return: 0, or one of the errors that emucxl.h lists.
 */
int emucxl_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long flags = vma->vm_pgoff & ~EMUCXL_OFFSET_NODE;
	int node = emucxl_node(vma->vm_pgoff & EMUCXL_OFFSET_NODE);
	unsigned long set = VM_DONTEXPAND;
	struct emucxl_object *object;
	struct file *pages_file;
	unsigned int order = 0;
	int err;

	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) != (FMODE_READ | FMODE_WRITE))
		return -EACCES;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (flags & ~(EMUCXL_OFFSET_HUGE | EMUCXL_OFFSET_DUMP) || node < 0)
		return -EINVAL;
	if (flags & EMUCXL_OFFSET_HUGE) {
		order = EMUCXL_HUGE_ORDER;
		if (!order)
			return -EOPNOTSUPP;
		if (vma_pages(vma) & ((1UL << order) - 1))
			return -EINVAL;
	}

	object = new_object(file->private_data, node, vma_pages(vma), order);
	if (IS_ERR(object))
		return PTR_ERR(object);
	pages_file = object_file(object);
	if (IS_ERR(pages_file))
		return PTR_ERR(pages_file);
	err = allocate_units(object);
	if (err) {
		fput(pages_file);
		return err;
	}

	if (!(flags & EMUCXL_OFFSET_DUMP))
		set |= VM_DONTDUMP;
	vma_set_file(vma, pages_file);
	fput(pages_file);
	vma->vm_pgoff = 0;
	vm_flags_mod(vma, set, VM_MAYEXEC);
	vma->vm_ops = &emucxl_vm_ops;
	return 0;
}

static int init_fs_context(struct fs_context *context)
{
	return init_pseudo(context, EMUCXL_FS_MAGIC) ? 0 : -ENOMEM;
}

/* Holds the module until its last super block is gone: later than the last file. */
static struct file_system_type emucxl_fs = {
	.owner = THIS_MODULE,
	.name = "emucxl",
	.init_fs_context = init_fs_context,
	.kill_sb = kill_anon_super,
};

/* Open files and objects hold the mount that the objects' files are on. */
int emucxl_objects_pin(void)
{
	return simple_pin_fs(&emucxl_fs, &mount, &mount_pins);
}

void emucxl_objects_unpin(void)
{
	simple_release_fs(&mount, &mount_pins);
}

void emucxl_objects_exit(void)
{
	wait_for_policy();
	WARN_ON(emucxl_objects_count() || emucxl_pages_count());
}
