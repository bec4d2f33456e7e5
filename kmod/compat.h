/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between kernels 5.15 and the newest. Kbuild probes the HAVE_… */
#ifndef EMUCXL_COMPAT_H
#define EMUCXL_COMPAT_H

#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>

/* Before 6.3 the flags are a field that drivers write. */
#ifndef HAVE_VM_FLAGS_MOD
static inline void vm_flags_mod(struct vm_area_struct *vma, unsigned long set,
				unsigned long clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/* Since 6.7 the policy's place in an interleaved range is asked for, too. */
#ifdef HAVE_POLICY_INDEX
#define EMUCXL_POLICY_ARGS struct vm_area_struct *vma, unsigned long addr, pgoff_t *index
#else
#define EMUCXL_POLICY_ARGS struct vm_area_struct *vma, unsigned long addr
#endif

/*
 * The oldest kernels export no function that makes a folio which a page
 * table entry of 2 MiB can map: there are no huge pages there.
 */
#if defined(HAVE_FOLIO_ALLOC_NODE) && defined(CONFIG_TRANSPARENT_HUGEPAGE)
#define EMUCXL_HUGE_ORDER (PMD_SHIFT - PAGE_SHIFT)
static inline struct page *emucxl_alloc_huge(gfp_t gfp, int node)
{
	struct folio *folio = __folio_alloc_node(gfp, EMUCXL_HUGE_ORDER, node);

	return folio ? folio_page(folio, 0) : NULL;
}
#else
#define EMUCXL_HUGE_ORDER 0
static inline struct page *emucxl_alloc_huge(gfp_t gfp, int node)
{
	return NULL;
}
#endif

/* The index moved from the page to its folio in 5.16, and left the page by 7.2. */
static inline void emucxl_set_mapping(struct page *page, struct address_space *mapping,
				      pgoff_t index)
{
#ifdef HAVE_FOLIO_INDEX
	struct folio *folio = page_folio(page);

	folio->index = index;
	WRITE_ONCE(folio->mapping, mapping);
#else
	page->index = index;
	WRITE_ONCE(page->mapping, mapping);
#endif
}

/* Page flags and counts are folios' in time, whose head page this is. */
static inline void emucxl_set_dirty(struct page *page)
{
#ifdef HAVE_FOLIO_INDEX
	folio_set_dirty(page_folio(page));
#else
	SetPageDirty(page);
#endif
}

/* Takes the only reference there is, so that nobody can get another; false if there are more. */
static inline bool emucxl_freeze(struct page *page)
{
#ifdef HAVE_FOLIO_REF_FREEZE
	return folio_ref_freeze(page_folio(page), 1);
#else
	return page_ref_freeze(page, 1);
#endif
}

static inline void emucxl_unfreeze(struct page *page)
{
#ifdef HAVE_FOLIO_REF_FREEZE
	folio_ref_unfreeze(page_folio(page), 1);
#else
	page_ref_unfreeze(page, 1);
#endif
}

#endif /* EMUCXL_COMPAT_H */
