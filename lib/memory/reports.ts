// What a context tells of its memory.

import type { HugePages } from './options.js'

/** How many ranges of addresses, and their length together. */
export interface Ranges {
  /** Number of ranges. */
  ranges: number
  /** Bytes of address space. */
  bytes: number
}

/** What a node of a context holds: see `Emucxl.stats`. */
export interface NodeStats {
  /** The context's number of the node: 0 is local, 1 and up are remote. */
  node: number
  /** The kernel's number of it. */
  numaNode: number
  /** Bytes asked for, of the regions that live. */
  allocated: number
  /** Bytes of their pages. */
  mapped: number
  /** Bytes that may be mapped. */
  capacity: number
  /** `capacity − mapped`, or 0. */
  available: number
  /** Regions that live. */
  regions: number
  /**
   * Freed, their memory gone back; the ranges of addresses wait until the event loop turns, the
   * buffer is collected as garbage and every job over it has ended.
   */
  pending: Ranges
  /** Ranges of addresses, without memory, that stay reserved until the process ends. */
  reserved: Ranges
  /** Ranges of addresses, without memory, that the next block of their length will use. */
  idle: Ranges
}

/** A region of a context: see `Emucxl.mappings`. */
export interface Mapping {
  /** The context's number of the node: 0 is local, 1 and up are remote. */
  node: number
  /** The kernel's number of it. */
  numaNode: number
  /** Bytes asked for. */
  size: number
  /** Bytes of its pages. */
  mapped: number
  /** Bytes of a page. With `hugePages: 'prefer'` the kernel may use larger ones. */
  pageSize: number
  /** As asked for when it was allocated. */
  hugePages: HugePages
  /** Whether other threads can map it. */
  shared: boolean
  /** Whether its pages are kept in memory, as by mlock(2). */
  locked: boolean
}

/** Where the pages of a block are now, by the kernel's word. */
export interface Residency {
  /** Bytes of a page. */
  pageSize: number
  /** Pages on each NUMA node, by the kernel's number of it. */
  nodes: Record<number, number>
  /** Pages that were never written: they have no place yet. */
  untouched: number
}

/** What became of the pages of a block, in pages of its mapping. */
export interface MigrateResult {
  /** Are on the target node now. On the emulated backend: are booked there. */
  moved: number
  /** Stayed where they were: pinned for the moment, or shared with another process. */
  failed: number
  /** Had no place yet, and will get one on the target node. */
  untouched: number
}

/** What another thread needs to attach a shared block; can be sent by `postMessage`. */
export interface SharedHandle {
  /** Names the block inside this process. */
  readonly emucxlRegion: number
  /** Bytes. */
  readonly size: number
}
