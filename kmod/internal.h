/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the module know of each other. */
#ifndef EMUCXL_INTERNAL_H
#define EMUCXL_INTERNAL_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/uidgid.h>
#include <linux/xarray.h>

#include "emucxl.h"

struct mem_cgroup;

/* account.c: who uses how much. Amounts are pages. */

/* A user, for as long as files are open or memory is mapped. */
struct emucxl_user {
	struct list_head link;
	kuid_t uid;
	unsigned int files;
	u64 total;
	u64 used[];			/* by node, nr_node_ids of them */
};

/* An open file. Its memory may outlive it, and holds on to this. */
struct emucxl_account {
	refcount_t refs;
	struct list_head link;
	pid_t pid;			/* of the opener, as the first namespace sees it */
	struct emucxl_user *user;
	u64 used[];			/* by node, nr_node_ids of them */
};

int emucxl_accounts_init(void);
void emucxl_accounts_exit(void);
struct emucxl_account *emucxl_account_new(void);
void emucxl_account_get(struct emucxl_account *account);
void emucxl_account_put(struct emucxl_account *account);
int emucxl_charge(struct emucxl_account *account, int node, unsigned long pages);
int emucxl_charge_move(struct emucxl_account *account, int node, unsigned long pages);
void emucxl_uncharge(struct emucxl_account *account, int node, unsigned long pages);
int emucxl_node(unsigned int id);
void emucxl_get_use(struct emucxl_account *account, int node, struct emucxl_use *use);
void emucxl_set_capacity(int node, u64 bytes);
extern const struct attribute_group **emucxl_attribute_groups;

/* object.c: what one mmap() makes. */

/*
 * The pages of one mmap(), and the file that stands for them in vm_file; struct
 * file counts the mappings for us. A unit is a page, or a huge page.
 *
 * What migration relies on: a page gets a new reference only in the fault
 * handler, under sem held for reading, or through a page table entry, which
 * itself holds one. Hence when sem is held for writing, the page is locked (so
 * that no fault is on its way out with it) and no entry is left, then a count
 * of 1 says that nobody can write to the page until sem is released.
 *
 * Pages are dirty all their life, and change their mapping under the page lock:
 * the core takes them for pages of a file, and would evict a clean one that the
 * hardware has damaged.
 *
 * Locks, from the outer to the inner: mmap_lock, sem, the page lock,
 * i_mmap_rwsem, the page table lock.
 */
struct emucxl_object {
	struct rw_semaphore sem;
	struct xarray pages;		/* by unit: its head page */
	struct inode *inode;
	struct emucxl_account *account;
	struct mem_cgroup *memcg;	/* of who mapped it: pays for migrated pages, too */
	unsigned int order;		/* a unit is 2^order pages */
	int node;			/* where the pages not yet allocated are charged */
	unsigned long unallocated;	/* pages charged, not yet allocated */
};

int emucxl_objects_pin(void);
void emucxl_objects_unpin(void);
void emucxl_objects_exit(void);
int emucxl_mmap(struct file *file, struct vm_area_struct *vma);
struct emucxl_object *emucxl_object_of(struct vm_area_struct *vma);
struct page *emucxl_page_alloc(int node, unsigned int order, bool zero);
void emucxl_page_attach(struct emucxl_object *object, struct page *page, unsigned long unit);
void emucxl_page_detach(struct page *page);
void emucxl_page_put(struct page *page, unsigned int order);
bool emucxl_page_damaged(struct page *page, unsigned int order);
long emucxl_objects_count(void);
long emucxl_pages_count(void);

static inline loff_t emucxl_unit_bytes(const struct emucxl_object *object)
{
	return (loff_t)PAGE_SIZE << object->order;
}

/* range.c: ioctls on ranges of the caller's addresses. */

long emucxl_migrate(struct emucxl_migrate *args);
long emucxl_where(const struct emucxl_where *args, u64 *counts);

#endif /* EMUCXL_INTERNAL_H */
