// The life of a context: several at a time, closing one, and what is refused from then on.

import { Emucxl } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { keep } from './collect.js'
import { eachBackend } from './each-backend.js'
import { emucxlError, expectBytes, expectFailure, failureOf, filled, pattern } from './refusal.js'

type End = (cxl: Emucxl) => void | Promise<void>

const ENDS: [string, End][] = [
  ['close', (cxl) => cxl.close()],
  ['closeAsync', (cxl) => cxl.closeAsync()],
  ['Symbol.dispose', (cxl) => cxl[Symbol.dispose]()],
  ['Symbol.asyncDispose', (cxl) => cxl[Symbol.asyncDispose]()],
]

/** Every method that works on an open context. */
const METHODS: Record<string, (cxl: Emucxl, block: ArrayBuffer) => unknown> = {
  alloc: (cxl) => cxl.alloc(1, 0),
  allocAsync: (cxl) => cxl.allocAsync(1, 0),
  free: (cxl, block) => cxl.free(block),
  freeAsync: (cxl, block) => cxl.freeAsync(block),
  resize: (cxl, block) => cxl.resize(block, 1),
  resizeAsync: (cxl, block) => cxl.resizeAsync(block, 1),
  migrate: (cxl, block) => cxl.migrate(block, 0),
  migrateAsync: (cxl, block) => cxl.migrateAsync(block, 0),
  isLocal: (cxl, block) => cxl.isLocal(block),
  nodeOf: (cxl, block) => cxl.nodeOf(block),
  sizeOf: (cxl, block) => cxl.sizeOf(block),
  where: (cxl, block) => cxl.where(block),
  whereAsync: (cxl, block) => cxl.whereAsync(block),
  stats: (cxl) => cxl.stats(0),
  mappings: (cxl) => cxl.mappings(),
  setCapacity: (cxl) => cxl.setCapacity(0, 1),
  share: (cxl, block) => cxl.share(block),
  read: (cxl, block) => cxl.read(block, 0, new Uint8Array(1)),
  readAsync: (cxl, block) => cxl.readAsync(block, 0, new Uint8Array(1)),
  write: (cxl, block) => cxl.write(block, 0, new Uint8Array(1)),
  writeAsync: (cxl, block) => cxl.writeAsync(block, 0, new Uint8Array(1)),
  fill: (cxl, block) => cxl.fill(block, 1),
  fillAsync: (cxl, block) => cxl.fillAsync(block, 1),
  copy: (cxl, block) => cxl.copy(block, 0, block, 1, 1),
  copyAsync: (cxl, block) => cxl.copyAsync(block, 0, block, 1, 1),
  move: (cxl, block) => cxl.move(block, 0, block, 1, 1),
  moveAsync: (cxl, block) => cxl.moveAsync(block, 0, block, 1, 1),
}

test('the list of methods is whole', () => {
  const names = [Emucxl.prototype, Object.getPrototypeOf(Emucxl.prototype)].flatMap((prototype) =>
    Object.getOwnPropertyNames(prototype),
  )
  const others = ['constructor', 'close', 'closeAsync', 'closed']
  expect(names.filter((name) => !others.includes(name)).sort()).toEqual(Object.keys(METHODS).sort())
})

eachBackend(({ open }) => {
  describe.for(ENDS)('%s', ([, end]) => {
    test('frees every block, at once', async () => {
      const cxl = open()
      const blocks = [filled(cxl, 100, 0), filled(cxl, 5000, 1), cxl.alloc(2 ** 22 + 1, 0)]
      const view = new Uint8Array(blocks[0] as ArrayBuffer)
      const ended = end(cxl)
      expect(cxl.closed).toBe(true)
      expect(blocks.map(({ byteLength }) => byteLength)).toEqual([0, 0, 0])
      expect(view.length).toBe(0)
      await ended
    })

    test('may come twice, and in any order', async () => {
      for (const [, again] of ENDS) {
        const cxl = open()
        cxl.alloc(1, 0)
        const ended = end(cxl)
        await again(cxl)
        await ended
        await end(cxl)
        expect(cxl.closed).toBe(true)
      }
    })

    test('leaves other contexts alone', async () => {
      using other = open()
      const kept = filled(other, 5000, 1)
      const cxl = open()
      filled(cxl, 5000, 1)
      await end(cxl)
      expectBytes(kept, pattern(5000))
      expect(other.stats(1).regions).toBe(1)
      other.free(other.resize(kept, 10))
    })
  })

  test.for(Object.entries(METHODS))('%s is refused after close', async ([, call]) => {
    using other = open()
    const block = filled(other, 10, 0)
    const cxl = open()
    cxl.close()
    expectFailure(
      await failureOf(() => call(cxl, block)),
      emucxlError('CLOSED', 'the context is closed', 'open another one'),
    )
    expectBytes(block, pattern(10))
  })

  test('what is known of a closed context stays to be read', () => {
    const cxl = open()
    const { backend, nodes, modelled } = cxl
    cxl.close()
    expect([cxl.backend, cxl.nodes, cxl.modelled]).toEqual([backend, nodes, modelled])
  })

  test('using closes at the end of a block, also when it throws', () => {
    let kept: Emucxl | undefined
    expect(() => {
      using cxl = open()
      kept = cxl
      throw new Error('mine')
    }).toThrow('mine')
    expect(kept?.closed).toBe(true)
  })

  test('await using closes too', async () => {
    let kept: Emucxl
    {
      await using cxl = open()
      kept = cxl
      cxl.alloc(1, 0)
    }
    expect(kept.closed).toBe(true)
  })

  test('several contexts have accounts of their own', () => {
    const contexts = Array.from({ length: 10 }, (_, i) => open({ capacity: { local: i * 4096 } }))
    for (const [i, cxl] of contexts.entries()) {
      for (let n = 0; n < i; n++) keep(cxl.alloc(4096, 0))
      expect(() => cxl.alloc(1, 0)).toThrow(`node 0 has 0 of ${i * 4096}`)
    }
    for (const [i, cxl] of contexts.entries()) {
      expect(cxl.stats(0)).toMatchObject({ regions: i, available: 0 })
      expect(cxl.mappings()).toHaveLength(i)
      cxl.close()
    }
  })

  test('a hundred are opened and closed one after another', () => {
    for (let i = 0; i < 100; i++) {
      using cxl = open()
      cxl.fill(cxl.alloc(100, i % 2), i)
    }
  })

  test('copies go from one context to another', () => {
    using one = open()
    using other = open()
    const [from, to] = [filled(one, 1000, 0), other.alloc(1000, 1)]
    one.copy(to, 0, from, 0, 1000)
    expectBytes(to, pattern(1000))
    expect([one.nodeOf(to), other.nodeOf(from)]).toEqual([1, 0])
  })
})
