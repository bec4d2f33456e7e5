// Operands for the addon's measurements, for their tests.

import type { Emucxl } from 'emucxl'
import type { Kernel } from '../../dist/lib/memory/addon.js'

export const OPERANDS: Record<Kernel, number> = { read: 1, write: 1, copy: 2, triad: 3 }
export const kernels = Object.keys(OPERANDS) as Kernel[]

/** Blocks for a kernel: for each operand one of each size, on node 0 and 1 in turn. */
export function operands(cxl: Emucxl, kernel: Kernel, ...sizes: number[]): ArrayBuffer[][] {
  return Array.from({ length: OPERANDS[kernel] }, () =>
    sizes.map((size, part) => cxl.alloc(size, part % 2)),
  )
}
