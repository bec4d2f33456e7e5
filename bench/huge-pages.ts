// Whether the kernel gives huge pages to those who would like some: it falls back without a word, and
// mappings() tells what was asked for.

import { readFileSync } from 'node:fs'
import type { Emucxl } from '../lib/memory/emucxl.js'
import type { Node } from '../lib/memory/options.js'

/** Bytes of huge pages that the process has: the device's memory counts as that of a file. */
function hugeBytes(backend: Emucxl['backend']): number {
  const field = backend === 'device' ? 'FilePmdMapped' : 'AnonHugePages'
  const text = readFileSync('/proc/self/smaps_rollup', 'utf8')
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
}

/** How much of it may be small: the rest of a block that is no multiple of a huge page, and a bit. */
const ENOUGH = 0.9

/** Whether a block of so many bytes that prefers huge pages has them, on each of the nodes. */
export function hasHugePages(cxl: Emucxl, nodes: readonly Node[], bytes: number): boolean {
  return nodes.every(({ node }) => {
    const before = hugeBytes(cxl.backend)
    const block = cxl.alloc(bytes, node, { hugePages: 'prefer', prefault: true })
    try {
      return hugeBytes(cxl.backend) - before >= ENOUGH * bytes
    } finally {
      cxl.free(block)
    }
  })
}
