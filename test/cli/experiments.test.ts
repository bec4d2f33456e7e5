// The experiments on a context of the test's own: what they leave behind, when they stop, and that they
// do not measure pages that are not where they should be.

import { describe, expect, it } from 'vitest'
import { blockBytes } from '../../bench/experiment.js'
import { EXPERIMENTS } from '../../bench/experiments.js'
import { verifyPlacement } from '../../bench/placement.js'
import type { Emucxl } from '../../lib/memory/emucxl.js'
import { EmucxlError } from '../../lib/memory/errors.js'
import type { Residency } from '../../lib/memory/reports.js'
import { type Watched, watched } from './watched.js'

const SMALL = { count: 20, size: 2 ** 18 }

/** A context whose kernel reports this of every block. */
function placed(where: () => Residency, backend: Emucxl['backend'] = 'numa'): Watched {
  const cxl = { backend, nodes: [{ numaNode: 0 }, { numaNode: 3 }], nodeOf: () => 1, where }
  return watched({}, { cxl: cxl as unknown as Emucxl })
}

describe.each(EXPERIMENTS)('$name', (experiment) => {
  it('leaves no memory behind, and tells its progress up to the end', async () => {
    const context = watched({ ...SMALL, runs: 3 })
    expect((await experiment.run(context)).rows).not.toEqual([])
    expect(context.cxl.mappings()).toEqual([])
    expect(context.done.at(-1)).toBe(1)
    expect(context.done).toEqual([...context.done].sort((a, b) => a - b))
    expect(context.conditions).toEqual([])
  })

  it('leaves no memory behind when a node has no room', async () => {
    const context = watched({ ...SMALL, runs: 1 })
    context.cxl.setCapacity(1, 4096)
    await expect(experiment.run(context)).rejects.toMatchObject({ code: 'ERR_EMUCXL_NO_MEMORY' })
    expect(context.cxl.mappings()).toEqual([])
  })

  // Table IV counts what happens, which is the same each time.
  it.skipIf(experiment.name === 'kv')(
    'stops after one repetition when time is up, and says so',
    async () => {
      const context = watched(SMALL, { timeIsUp: () => true })
      const { rows } = await experiment.run(context)
      const [row] = rows as { samples?: number; runs?: number }[]
      expect(row?.samples ?? row?.runs).toBe(1)
      const said = new RegExp(`^${experiment.name}[^:]*: time was up after 1 of \\d+ rep`)
      expect(context.conditions).not.toEqual([])
      for (const line of context.conditions) expect(line).toMatch(said)
    },
  )
})

describe('a thread that may run anywhere', () => {
  it('is a condition of the queue', async () => {
    const context = watched({ ...SMALL, runs: 1 }, { pinned: false })
    await EXPERIMENTS.find(({ name }) => name === 'queue')?.run(context)
    expect(context.conditions).toEqual(['queue: thread not pinned'])
  })
})

describe('the place of pages', () => {
  const block = [new ArrayBuffer(8)]
  const residency = (nodes: Record<number, number>, untouched = 0): Residency => ({
    pageSize: 4096,
    nodes,
    untouched,
  })

  it('is right where all are on the node of the block', () => {
    const context = placed(() => residency({ 3: 16 }))
    verifyPlacement(context, block)
    expect(context.conditions).toEqual([])
  })

  it('is refused where some are elsewhere, or have no memory', () => {
    const astray = placed(() => residency({ 0: 1, 3: 15 }))
    expect(() => verifyPlacement(astray, block)).toThrow(
      'pages of a block for NUMA node 3 are elsewhere: 1 on NUMA node 0, 15 on NUMA node 3, 0 without memory',
    )
    const untouched = placed(() => residency({ 3: 15 }, 1))
    expect(() => verifyPlacement(untouched, block)).toThrow('1 without memory')
  })

  it('is any on the emulated backend', () => {
    const context = placed(() => residency({ 7: 16 }), 'emulated')
    verifyPlacement(context, block)
    expect(context.conditions).toEqual([])
  })

  it('is a condition where the kernel does not tell', () => {
    const silent = placed(() => residency({}, 16))
    verifyPlacement(silent, block)
    expect(silent.conditions).toEqual([expect.stringMatching(/^place of the pages not verified/)])
    const forbidden = placed(() => {
      throw new EmucxlError('ERR_EMUCXL_NOT_PERMITTED', 'move_pages is forbidden here')
    })
    verifyPlacement(forbidden, block)
    expect(forbidden.conditions).toEqual([expect.stringContaining('move_pages is forbidden here')])
  })
})

describe('the size of blocks', () => {
  it('is what is wanted, where a quarter of the node holds it', () => {
    expect(blockBytes(watched({}, { memoryOfEach: 1000 }), 100, 2)).toBe(100)
    expect(blockBytes(watched({}, { memoryOfEach: 1000 }), 900, 2)).toBe(125)
  })

  it('is what the user says, up to the memory that there is', () => {
    expect(blockBytes(watched({ size: 500 }, { memoryOfEach: 1000 }), 100, 2)).toBe(500)
    expect(() => blockBytes(watched({ size: 501 }, { memoryOfEach: 1000 }), 100, 2)).toThrow(
      '--size',
    )
  })
})
