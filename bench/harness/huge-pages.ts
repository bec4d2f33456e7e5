// Blocks of huge pages, and whether they are: with `hugePages: 'prefer'` the kernel gives 4 KiB pages
// without a word where it has no others.

import { readText } from '../../lib/cli/machine.js'
import type { Emucxl } from '../../lib/memory/emucxl.js'
import type { Node } from '../../lib/memory/options.js'
import type { Context } from './experiment.js'

export const HUGE_PAGE = 2 * 2 ** 20

/** What of a block counts as all of it: an edge or two can be missing. */
const ALL = 0.9

export interface PagedBlock {
  block: ArrayBuffer
  /** Bytes of a page: 2 MiB where nearly all of the block is in such. */
  pageBytes: number
}

/** Bytes of this process in transparent huge pages. */
function transparentBytes(): number {
  const match = /^AnonHugePages:\s+(\d+) kB/m.exec(readText('/proc/self/smaps_rollup') ?? '')
  return 1024 * Number(match?.[1] ?? 0)
}

/** Bytes of the largest pages of blocks of this size, by the account of the context. */
function pageBytes(cxl: Emucxl, node: Node, bytes: number): number {
  const sizes = cxl
    .mappings()
    .filter((each) => each.node === node.node && each.size === bytes)
    .map(({ pageSize }) => pageSize)
  return Math.max(0, ...sizes)
}

/** The device has huge pages of its own, which only its own account tells. */
function allocOnDevice(cxl: Emucxl, bytes: number, node: Node): ArrayBuffer {
  try {
    return cxl.alloc(bytes, node.node, { prefault: true, hugePages: 'require' })
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== 'ERR_EMUCXL_NO_HUGE_PAGES' && code !== 'ERR_EMUCXL_UNSUPPORTED') throw error
    return cxl.alloc(bytes, node.node, { prefault: true, hugePages: 'off' })
  }
}

/** A block that has all its memory: `bytes` of it, in huge pages where they are wanted and can be had. */
export function allocPages(cxl: Emucxl, bytes: number, node: Node, huge: boolean): PagedBlock {
  if (!huge) {
    const block = cxl.alloc(bytes, node.node, { prefault: true, hugePages: 'off' })
    return { block, pageBytes: pageBytes(cxl, node, bytes) }
  }
  const whole = Math.ceil(bytes / HUGE_PAGE) * HUGE_PAGE
  if (cxl.backend === 'device') {
    const block = allocOnDevice(cxl, whole, node)
    return { block, pageBytes: pageBytes(cxl, node, whole) }
  }
  const before = transparentBytes()
  const block = cxl.alloc(whole, node.node, { prefault: true, hugePages: 'prefer' })
  const isHuge = transparentBytes() - before >= ALL * whole
  return { block, pageBytes: isHuge ? HUGE_PAGE : pageBytes(cxl, node, whole) }
}

/** Whether a block of so many bytes has huge pages where it may, on each of the nodes. */
export function areHuge(cxl: Emucxl, nodes: readonly Node[], bytes: number): boolean {
  return nodes.every((node) => {
    const { block, pageBytes } = allocPages(cxl, bytes, node, true)
    cxl.free(block)
    return pageBytes === HUGE_PAGE
  })
}

/** Whether every node has a huge page; a condition of the figures where one has not. */
export function hasHugePages({ cxl, condition }: Context, name: string): boolean {
  const without = cxl.nodes.find((node) => !areHuge(cxl, [node], HUGE_PAGE))
  if (without === undefined) return true
  condition(
    `${name}: no huge pages on NUMA node ${without.numaNode}, 4 KiB pages alone; ` +
      'see /sys/kernel/mm/transparent_hugepage/enabled',
  )
  return false
}
