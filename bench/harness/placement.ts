// Whether the pages of a block are where a measurement believes them to be, by the kernel's word.

import type { Emucxl } from '../../lib/memory/emucxl.js'
import type { Context } from './experiment.js'

function expected(cxl: Emucxl, block: ArrayBuffer): number | undefined {
  // On the emulated backend the node is bookkeeping: any place is right.
  return cxl.backend === 'emulated' ? undefined : cxl.nodes[cxl.nodeOf(block)]?.numaNode
}

/**
 * Checks the place of every page before the clock starts. Throws where one is elsewhere or has no
 * memory yet; where the kernel does not tell, that becomes a condition of the figures.
 */
export function verifyPlacement({ cxl, condition }: Context, blocks: readonly ArrayBuffer[]): void {
  for (const block of blocks) {
    let found: ReturnType<Emucxl['where']>
    try {
      found = cxl.where(block)
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_EMUCXL_NOT_PERMITTED') throw error
      condition(`place of the pages not verified: ${(error as Error).message}`)
      return
    }
    const places = Object.keys(found.nodes).map(Number)
    if (places.length === 0) {
      condition('place of the pages not verified: the kernel does not tell it for this memory')
      return
    }
    const wanted = expected(cxl, block)
    const astray = places.filter((node) => wanted !== undefined && node !== wanted)
    if (astray.length > 0 || found.untouched > 0) {
      const pages = Object.entries(found.nodes).map(([node, n]) => `${n} on NUMA node ${node}`)
      throw new Error(
        `pages of a block for NUMA node ${wanted ?? places[0]} are elsewhere: ` +
          `${[...pages, `${found.untouched} without memory`].join(', ')}`,
      )
    }
  }
}
