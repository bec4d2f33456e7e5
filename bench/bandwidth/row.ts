// What the experiment `bandwidth` finds.

import type { Kernel } from '../../lib/memory/addon.js'
import type { Measured } from '../harness/measured.js'

export interface BandwidthRow extends Measured {
  /** By STREAM's definitions and count: a[i] = b[i] for copy; a[i] = b[i] + s * c[i] for triad. */
  kernel: Kernel
  /** Each on a CPU of its own, of the local node. */
  threads: number
  /** `interleaved`: page by page, as many of each node in turn as the ratio says. */
  node: 'local' | 'remote' | 'interleaved'
  /** The kernel's number; null where the pages are of two. */
  numaNode: number | null
  /** The part of the pages that is local, from 0 to 1. */
  localShare: number
  /** Bytes of each operand. */
  blockBytes: number
  pageBytes: number
}

/** Operands of each kernel. */
export const OPERANDS: Record<Kernel, number> = { read: 1, write: 1, copy: 2, triad: 3 }

/** Pages that are local, and remote, in turn. */
export const RATIOS = [
  [1, 0],
  [3, 1],
  [2, 1],
  [1, 1],
  [1, 2],
  [1, 3],
  [0, 1],
] as const

export type Ratio = (typeof RATIOS)[number]

export const localShareOf = ([local, remote]: Ratio): number => local / (local + remote)
