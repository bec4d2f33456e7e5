// SPDX-License-Identifier: GPL-2.0
/* What the ioctls do to a range of the caller's addresses. */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "internal.h"

#define CHUNK 32	/* units that move at a time; one, if they are huge */
#define TRIES 10	/* at a page that somebody holds, the last after 10 ms */

/* A part of a range that lies in one mapping: units [first, last] of a file. */
struct span {
	struct file *file;
	struct emucxl_object *object;
	unsigned long first;
	unsigned long last;
	unsigned long first_page;
	unsigned long pages;
};

/*
 * Finds the span that begins at @addr and ends by @end, and takes a reference to
 * its file: the caller puts it. Nothing is held afterwards, since a migration
 * that held mmap_lock would stop the whole process.
 */
static int find_span(unsigned long addr, unsigned long end, struct span *span)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int err = -EFAULT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, addr);
	if (vma && vma->vm_start <= addr && emucxl_object_of(vma)) {
		span->object = emucxl_object_of(vma);
		span->file = get_file(vma->vm_file);
		span->first_page = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
		span->pages = (min(end, vma->vm_end) - addr) >> PAGE_SHIFT;
		span->first = span->first_page >> span->object->order;
		span->last = (span->first_page + span->pages - 1) >> span->object->order;
		err = 0;
	}
	mmap_read_unlock(mm);
	return err;
}

static int check_range(u64 addr, u64 length)
{
	if (!length || !PAGE_ALIGNED(addr) || !PAGE_ALIGNED(length) ||
	    addr + length < addr || addr + length > TASK_SIZE)
		return -EINVAL;
	return 0;
}

/* What is to be done of a chunk of units, and what was. */
struct chunk {
	unsigned long first;
	unsigned int units;
	DECLARE_BITMAP(todo, CHUNK);	/* the units that are still elsewhere */
	struct page *fresh[CHUNK];	/* pages on the target, charged */
	unsigned int ready;		/* how many of those there are */
	unsigned long moved;
};

/* Strikes out what needs no move; says how many units do. */
static unsigned int look_over(struct emucxl_object *object, struct chunk *chunk, int node)
{
	unsigned int i;

	down_read(&object->sem);
	for_each_set_bit(i, chunk->todo, chunk->units) {
		struct page *page = xa_load(&object->pages, chunk->first + i);

		if (!page || page_to_nid(page) == node)
			__clear_bit(i, chunk->todo);
	}
	up_read(&object->sem);
	return bitmap_weight(chunk->todo, chunk->units);
}

/* Gets pages on the target. The memory cgroup of who mapped the object pays. */
static int get_fresh(struct emucxl_object *object, struct chunk *chunk, int node,
		     unsigned int want)
{
	struct mem_cgroup *old = set_active_memcg(object->memcg);
	int err = 0;

	while (chunk->ready < want && !err) {
		struct page *page;

		err = emucxl_charge_move(object->account, node, 1UL << object->order);
		if (err)
			break;
		page = emucxl_page_alloc(node, object->order, false);
		if (page) {
			chunk->fresh[chunk->ready++] = page;
		} else {
			emucxl_uncharge(object->account, node, 1UL << object->order);
			err = -ENOMEM;
		}
	}
	set_active_memcg(old);
	return err;
}

static void put_pages(struct emucxl_object *object, struct page **pages, unsigned int count)
{
	while (count--) {
		int node = page_to_nid(pages[count]);

		emucxl_page_put(pages[count], object->order);
		emucxl_uncharge(object->account, node, 1UL << object->order);
	}
}

/* Puts the copy of a page in its place. Nobody can reach the page: see internal.h. */
static void replace(struct emucxl_object *object, unsigned long unit, struct page *page,
		    struct page *fresh)
{
	unsigned int i;

	for (i = 0; i < 1U << object->order; i++) {
		copy_highpage(fresh + i, page + i);
		cond_resched();
	}
	emucxl_page_attach(object, fresh, unit);
	/* replaces an entry: that takes no memory, and cannot fail */
	xa_store(&object->pages, unit, fresh, GFP_NOWAIT);
	emucxl_page_detach(page);
}

/* Moves the units of a chunk for which there is a fresh page, and that nobody holds. */
static void move_ready(struct emucxl_object *object, struct chunk *chunk, int node)
{
	loff_t unit_bytes = emucxl_unit_bytes(object);
	struct page *page, *old[CHUNK];
	unsigned int i, count = 0;

	down_write(&object->sem);
	/* Unmapped meanwhile, or moved by another: the next look_over() strikes it out. */
	for_each_set_bit(i, chunk->todo, chunk->units) {
		page = xa_load(&object->pages, chunk->first + i);
		if (page)
			lock_page(page);	/* waits for faults on their way out */
	}
	unmap_mapping_range(object->inode->i_mapping, chunk->first * unit_bytes,
			    chunk->units * unit_bytes, 0);
	for_each_set_bit(i, chunk->todo, chunk->units) {
		page = xa_load(&object->pages, chunk->first + i);
		if (!page)
			continue;
		if (chunk->ready && page_to_nid(page) != node &&
		    !emucxl_page_damaged(page, object->order) && emucxl_freeze(page)) {
			replace(object, chunk->first + i, page, chunk->fresh[--chunk->ready]);
			emucxl_unfreeze(page);
			old[count++] = page;
			__clear_bit(i, chunk->todo);
			chunk->moved++;
		}
		unlock_page(page);
	}
	up_write(&object->sem);
	put_pages(object, old, count);
}

/* Moves a chunk; adds to the counts. Stops at an error and leaves the rest. */
static int migrate_chunk(struct emucxl_object *object, struct chunk *chunk, int node)
{
	unsigned int try, want;
	int err = 0;

	for (try = 0; try < TRIES; try++) {
		want = look_over(object, chunk, node);
		if (!want)
			break;
		if (try > 1)
			usleep_range(20U << try, 40U << try);
		if (signal_pending(current)) {
			err = -EINTR;
			break;
		}
		err = get_fresh(object, chunk, node, want);
		if (chunk->ready)
			move_ready(object, chunk, node);
		if (err)
			break;
	}
	put_pages(object, chunk->fresh, chunk->ready);
	chunk->ready = 0;
	return err;
}

static int migrate_span(const struct span *span, int node, struct emucxl_migrate *args)
{
	struct emucxl_object *object = span->object;
	unsigned int step = object->order ? 1 : CHUNK;
	unsigned long first;
	int err = 0;

	for (first = span->first; first <= span->last && !err; first += step) {
		struct chunk chunk = {
			.first = first,
			.units = min_t(unsigned long, step, span->last - first + 1),
		};
		unsigned int left;

		bitmap_set(chunk.todo, 0, chunk.units);
		err = migrate_chunk(object, &chunk, node);
		left = bitmap_weight(chunk.todo, chunk.units);
		args->moved += (u64)chunk.moved << object->order;
		args->failed += err ? 0 : (u64)left << object->order;
		cond_resched();
	}
	return err;
}

/**
 * emucxl_migrate() - moves a range of the caller's addresses to a node
 * @args: as emucxl.h says; the counts are filled in, also on error
 *
 * Return: 0, or an error.
 */
long emucxl_migrate(struct emucxl_migrate *args)
{
	unsigned long addr = args->addr, end = addr + args->length;
	int err = check_range(args->addr, args->length), node = emucxl_node(args->node);

	args->moved = 0;
	args->failed = 0;
	if (args->flags || node < 0)
		return -EINVAL;
	while (!err && addr < end) {
		struct span span;

		err = find_span(addr, end, &span);
		if (err)
			break;
		err = migrate_span(&span, node, args);
		addr += span.pages << PAGE_SHIFT;
		fput(span.file);
	}
	return err;
}

#define COUNT_UNITS 1024	/* at a time, with the object held */

static int count_span(const struct span *span, u64 *counts, unsigned int nodes)
{
	struct emucxl_object *object = span->object;
	unsigned long unit = span->first, at = span->first_page;
	const unsigned long end = at + span->pages;
	unsigned int i;

	while (at < end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		down_read(&object->sem);
		for (i = 0; i < COUNT_UNITS && at < end; i++, unit++) {
			struct page *page = xa_load(&object->pages, unit);
			unsigned long next = min((unit + 1) << object->order, end);

			if (page && page_to_nid(page) < nodes)
				counts[page_to_nid(page)] += next - at;
			at = next;
		}
		up_read(&object->sem);
		cond_resched();
	}
	return 0;
}

/**
 * emucxl_where() - counts the pages of a range by their nodes
 * @args: as emucxl.h says
 * @counts: args->nodes counters, to be added to
 *
 * Return: 0, or an error.
 */
long emucxl_where(const struct emucxl_where *args, u64 *counts)
{
	unsigned long addr = args->addr, end = addr + args->length;
	int err = check_range(args->addr, args->length);

	while (!err && addr < end) {
		struct span span;

		err = find_span(addr, end, &span);
		if (err)
			break;
		err = count_span(&span, counts, args->nodes);
		addr += span.pages << PAGE_SHIFT;
		fput(span.file);
	}
	return err;
}
