// What a queue promises, and what it says of wrong arguments.

import {
  array,
  type Emucxl,
  EmucxlError,
  float64,
  int8,
  int32,
  LOCAL_MEMORY,
  Queue,
  type QueueOptions,
  REMOTE_MEMORY,
  SlabAllocator,
  struct,
  uint32,
  utf8,
} from 'emucxl'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { collector } from '../memory/collect.js'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'
import { forbidCompiling } from '../slab/forbid-compiling.js'

const KiB = 1024

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    cxl.close()
  })

  const fill = (queue: Queue<number>, count: number, from = 0) => {
    for (let i = 0; i < count; i++) queue.enqueue(from + i)
  }
  const expectDrained = (queue: Queue<number>, count: number, from = 0) => {
    for (let i = 0; i < count; i++) {
      const value = queue.dequeue()
      if (value !== from + i) expect(value).toBe(from + i)
    }
  }

  test('what comes first goes first', () => {
    using queue = new Queue(cxl, int32)
    expect([queue.size, queue.peek(), queue.dequeue()]).toEqual([0, undefined, undefined])
    fill(queue, 100_000)
    expect([queue.size, queue.peek()]).toEqual([100_000, 0])
    expectDrained(queue, 60_000)
    fill(queue, 1000, 100_000)
    expectDrained(queue, 41_000, 60_000)
    expect([queue.size, queue.dequeue()]).toEqual([0, undefined])
  })

  test.each([true, false])('structs come out as they went in (compiled: %s)', (compiled) => {
    if (!compiled) forbidCompiling()
    const type = struct({ id: uint32, x: float64, name: utf8(9) })
    using queue = new Queue(cxl, type, { node: REMOTE_MEMORY })
    const value = (id: number) => ({ id, x: id / 7, name: `no. ${id}` })
    for (let i = 0; i < 2000; i++) queue.enqueue(value(i))
    expect(queue.peek()).toEqual(value(0))
    for (let i = 0; i < 2000; i++) expect(queue.dequeue()).toEqual(value(i))
  })

  test.each([
    [{}, LOCAL_MEMORY],
    [{ node: REMOTE_MEMORY }, REMOTE_MEMORY],
    [{ placement: 'local' }, LOCAL_MEMORY],
    [{ placement: 'remote' }, REMOTE_MEMORY],
    [{ placement: 'remote', node: REMOTE_MEMORY }, REMOTE_MEMORY],
  ] as const)('%j: all elements are on one node', (options, node) => {
    using queue = new Queue(cxl, int32, options)
    fill(queue, 20_000)
    const { segments, nodes } = queue.stats()
    expect(nodes.find((each) => each.node === node)).toMatchObject({ segments })
    expect(cxl.stats(1 - node).mapped).toBe(0)
    expect(cxl.stats(node).mapped).toBeGreaterThanOrEqual(80_000)
  })

  describe('spill', () => {
    const localBytes = 64 * KiB
    const onNodes = (queue: Queue<number>) => queue.stats().nodes.map(({ bytes }) => bytes)

    test('keeps the ends in local memory, the middle in remote memory', () => {
      using queue = new Queue(cxl, int32, { placement: 'spill', localBytes })
      fill(queue, 10_000)
      expect(onNodes(queue)).toEqual([40 * KiB, 0])
      fill(queue, 90_000, 10_000)
      const [local = 0, remote = 0] = onNodes(queue)
      expect(local).toBeLessThanOrEqual(localBytes)
      expect(local).toBeGreaterThanOrEqual(localBytes / 2)
      expect(remote).toBeGreaterThan(400_000 - localBytes - 4096)
      // What is touched next is local, all the way.
      for (let i = 0; i < 100_000; i += 1022) {
        expectDrained(queue, Math.min(1022, 100_000 - i), i)
        if (queue.size === 0) break
        const now = onNodes(queue)
        expect(now[0]).toBeGreaterThan(0)
        expect(now[0]).toBeLessThanOrEqual(localBytes)
      }
      expect(onNodes(queue)[1]).toBe(0)
    })

    test('stays in local memory while it is short', () => {
      using queue = new Queue(cxl, int32, { placement: 'spill', localBytes })
      for (let i = 0; i < 50_000; i += 100) {
        fill(queue, 100, i)
        expectDrained(queue, 100, i)
      }
      expect(cxl.stats(REMOTE_MEMORY).mapped).toBe(0)
    })

    test('keeps its limits after remote segments were read where they are', () => {
      using queue = new Queue(cxl, int32, { placement: 'spill', localBytes })
      fill(queue, 60 * 1022)
      const { migrate } = SlabAllocator.prototype
      vi.spyOn(SlabAllocator.prototype, 'migrate').mockImplementation(function (
        this: SlabAllocator,
        ref,
        node,
      ) {
        if (node === LOCAL_MEMORY) throw new EmucxlError('ERR_EMUCXL_NO_MEMORY', 'on purpose')
        return migrate.call(this, ref, node)
      })
      expectDrained(queue, 58 * 1022)
      vi.restoreAllMocks()
      fill(queue, 98 * 1022, 60 * 1022)
      expect(onNodes(queue)).toEqual([localBytes, 100 * 4096 - localBytes])
      expectDrained(queue, 100 * 1022, 58 * 1022)
    })

    test('goes on where the remote node is full, and where the local one is', () => {
      cxl.setCapacity(REMOTE_MEMORY, 64 * KiB)
      using queue = new Queue(cxl, int32, { placement: 'spill', localBytes })
      fill(queue, 100_000)
      expect(cxl.stats(REMOTE_MEMORY).mapped).toBe(64 * KiB)
      cxl.setCapacity(REMOTE_MEMORY, 1 << 20)
      cxl.setCapacity(LOCAL_MEMORY, cxl.stats(LOCAL_MEMORY).mapped)
      fill(queue, 20_000, 100_000)
      expectDrained(queue, 120_000)
    })
  })

  test('spill goes to remote memory where the local node is full from the start', () => {
    cxl.setCapacity(LOCAL_MEMORY, 0)
    using queue = new Queue(cxl, int32, { placement: 'spill', localBytes: 64 * KiB })
    fill(queue, 50_000)
    expectDrained(queue, 20_000)
    cxl.setCapacity(LOCAL_MEMORY, 1 << 20)
    fill(queue, 50_000, 50_000)
    expectDrained(queue, 80_000, 20_000)
  })

  test.each(['NO_MEMORY', 'LOCK_LIMIT'] as const)('segments that cannot move (%s) stay', (code) => {
    using queue = new Queue(cxl, int32, { placement: 'spill', localBytes: 64 * KiB })
    let calls = 0
    const { migrate } = SlabAllocator.prototype
    vi.spyOn(SlabAllocator.prototype, 'migrate').mockImplementation(function (
      this: SlabAllocator,
      ...args
    ) {
      if (calls++ % 3 === 1) throw new EmucxlError(`ERR_EMUCXL_${code}`, 'on purpose')
      return migrate.apply(this, args)
    })
    fill(queue, 100_000)
    expectDrained(queue, 100_000)
    expect(calls).toBeGreaterThan(50)
    vi.restoreAllMocks()
  })

  test('no memory is an error, after which the queue is as it was', async () => {
    cxl.setCapacity(LOCAL_MEMORY, 64 * KiB)
    using queue = new Queue(cxl, int32)
    const most = 16 * 1022
    fill(queue, most)
    for (let i = 0; i < 3; i++) {
      expectFailure(await failureOf(() => queue.enqueue(-1)), emucxlError('NO_MEMORY'))
      expect(queue.size).toBe(most)
    }
    expectDrained(queue, 1022)
    fill(queue, 1022, most)
    expectDrained(queue, most, 1022)
  })

  test('slabs are as large as capacities allow when the first queue is made', () => {
    for (const [capacity, size] of [
      [1 << 30, 2 << 20],
      [1 << 20, 64 * KiB],
      [1 << 30, 2 << 20],
    ] as const) {
      for (const node of [LOCAL_MEMORY, REMOTE_MEMORY]) cxl.setCapacity(node, capacity)
      using queue = new Queue(cxl, int32)
      fill(queue, 3)
      expect(cxl.mappings()).toMatchObject([{ size }])
    }
    expect(cxl.mappings()).toEqual([])
  })

  test('a method of another queue is refused, if its elements are of another type', () => {
    using queue = new Queue(cxl, utf8(40))
    using other = new Queue(cxl, int32)
    queue.enqueue('first')
    for (const call of [
      () => other.enqueue.call(queue as never, 7),
      () => other.dequeue.call(queue as never),
    ]) {
      expect(call).toThrow('this: the method is one of a queue with elements of another type')
    }
    expect([...queue]).toEqual(['first'])
  })

  test('a class that is derived works, drained at the end of a segment, too', () => {
    class Derived extends Queue<number> {}
    using queue = new Derived(cxl, int32)
    for (const count of [1022, 1022, 2044, 5]) {
      fill(queue, count)
      expectDrained(queue, count)
      expect([queue.size, queue.dequeue()]).toEqual([0, undefined])
    }
  })

  test('many queues share slabs', () => {
    const queues = Array.from({ length: 3000 }, () => new Queue(cxl, int32))
    for (const [i, queue] of queues.entries()) queue.enqueue(i)
    expect(cxl.mappings().length).toBe(Math.ceil(3000 / 512))
    for (const [i, queue] of queues.entries()) expect(queue.dequeue()).toBe(i)
    for (const queue of queues) queue.destroy()
    expect(cxl.mappings()).toEqual([])
  })

  test('elements as large as slabs, and larger', () => {
    for (const size of [4096, 40 * KiB, 300 * KiB]) {
      using queue = new Queue(cxl, utf8(size), { placement: 'spill', localBytes: 1 << 22 })
      const text = (i: number) => String(i).repeat(size).slice(0, size)
      for (let i = 1; i < 40; i++) queue.enqueue(text(i))
      for (let i = 1; i < 40; i++) expect(queue.dequeue() === text(i)).toBe(true)
    }
  })

  describe('iteration', () => {
    test('leaves the elements where they are', () => {
      using queue = new Queue(cxl, int32)
      fill(queue, 5000)
      expect([...queue]).toEqual(Array.from({ length: 5000 }, (_, i) => i))
      expect(queue.size).toBe(5000)
    })

    test('sees what comes, and not what has gone', () => {
      using queue = new Queue(cxl, int32, { placement: 'spill', localBytes: 16 * KiB })
      let [enqueued, dequeued, seen] = [10, 0, 0]
      fill(queue, 10)
      for (const value of queue) {
        if (value !== seen) expect(value).toBe(seen)
        seen++
        fill(queue, 2, enqueued)
        enqueued += 2
        if (seen % 3 === 0) expectDrained(queue, 1, dequeued++)
        if (seen === 30_000) break
      }
      expect(queue.size).toBe(enqueued - dequeued)
      queue.clear()
      expect([...queue]).toEqual([])
      fill(queue, 3)
      const iterator = queue[Symbol.iterator]()
      expect(iterator.next().value).toBe(0)
      queue.dequeue()
      queue.dequeue()
      expect(iterator.next().value).toBe(2)
      expect(iterator.next().done).toBe(true)
    })

    test.each([3, 5000])('goes on after clear() with what is new, %i elements', (count) => {
      using queue = new Queue(cxl, int32)
      fill(queue, count)
      const iterator = queue[Symbol.iterator]()
      for (let i = 0; i < 2; i++) iterator.next()
      queue.clear()
      fill(queue, count, 1000)
      for (let i = 0; i < count; i++) expect(iterator.next().value).toBe(1000 + i)
      expect(iterator.next().done).toBe(true)
    })

    test.each([1, 3, 5000])(
      'goes on with what comes after %i elements that were dequeued',
      (count) => {
        using queue = new Queue(cxl, int32)
        fill(queue, count)
        const iterator = queue[Symbol.iterator]()
        for (let i = 0; i < Math.min(count, 2); i++) expect(iterator.next().value).toBe(i)
        while (queue.size > 0) queue.dequeue()
        fill(queue, count, count)
        for (let i = count; i < 2 * count; i++) expect(iterator.next().value).toBe(i)
        expect(iterator.next().done).toBe(true)
      },
    )
  })

  test('clear() and destroy() give memory back', async () => {
    const queue = new Queue(cxl, int32)
    fill(queue, 100_000)
    queue.clear()
    expect(queue.size).toBe(0)
    expect(cxl.mappings().length).toBeLessThanOrEqual(2) // what the slabs keep
    fill(queue, 10)
    queue.destroy()
    queue.destroy()
    expect(cxl.mappings()).toEqual([])
    expect(queue.size).toBe(0)
    const calls = [
      () => queue.enqueue(1),
      () => queue.dequeue(),
      () => queue.peek(),
      () => queue.clear(),
      () => queue.stats(),
      () => [...queue],
    ]
    for (const call of calls) {
      expectFailure(await failureOf(call), emucxlError('CLOSED', 'the queue is destroyed'))
    }
  })

  test('queues that are dropped give their memory back', async ({ skip }) => {
    const collect = collector()
    if (collect === undefined) return skip('this engine cannot be told to collect')
    ;(() => {
      for (let i = 0; i < 5; i++) fill(new Queue(cxl, int32), 300_000)
    })()
    expect(cxl.mappings().length).toBeGreaterThan(2)
    await collect(() => cxl.mappings().length === 0)
    expect(cxl.mappings()).toEqual([])
    using queue = new Queue(cxl, int32)
    fill(queue, 3)
    expect([...queue]).toEqual([0, 1, 2])
  })

  test('a closed context is an error, and destroys nothing twice', async () => {
    const other = open()
    const queue = new Queue(other, int32)
    fill(queue, 10)
    other.close()
    const calls = [
      () => queue.enqueue(1),
      () => queue.dequeue(),
      () => queue.peek(),
      () => queue.clear(),
      () => queue.stats(),
      () => [...queue],
    ]
    for (const call of calls) expectFailure(await failureOf(call), emucxlError('CLOSED', 'context'))
    queue.destroy()
    expectFailure(await failureOf(() => new Queue(other, int32)), emucxlError('CLOSED'))
  })

  test.each([true, false])('a value whose getters use the queue (compiled: %s)', (compiled) => {
    if (!compiled) forbidCompiling()
    const type = struct({ id: uint32, tags: array(struct({ a: int8 }), 2) })
    const plain = (id: number) => ({ id, tags: [{ a: 1 }, { a: 2 }] })
    const meddling = (id: number, meddle: () => void) => ({
      get id() {
        meddle()
        return id
      },
      tags: [
        {
          get a() {
            meddle()
            return 1
          },
        },
        { a: 2 },
      ],
    })
    const ids = (queue: Queue<ReturnType<typeof plain>>) => [...queue].map(({ id }) => id)
    using queue = new Queue(cxl, type)
    for (let id = 0; id < 600; id++) queue.enqueue(plain(id))
    let next = 1000
    queue.enqueue(meddling(1, () => queue.enqueue(plain(next++))))
    expect(ids(queue)).toEqual([...Array.from({ length: 600 }, (_, i) => i), 1000, 1001, 1])
    queue.enqueue(meddling(2, () => queue.dequeue()))
    expect(ids(queue).slice(0, 1)).toEqual([2])
    queue.enqueue(meddling(3, () => queue.clear()))
    expect([...queue]).toEqual([plain(3)])
    expect(queue.stats().elements).toBe(1)
    const other = new Queue(cxl, type)
    expect(() => other.enqueue(meddling(4, () => other.destroy()))).toThrow('destroyed')
    expect(cxl.mappings()).toHaveLength(1)
  })

  test('a class of its own that extends it has its own methods called', () => {
    class Doubling extends Queue<number> {
      override enqueue(value: number): void {
        super.enqueue(2 * value)
      }
    }
    using queue = new Doubling(cxl, int32)
    for (let i = 0; i < 3000; i++) queue.enqueue(i)
    for (let i = 0; i < 3000; i++) expect(queue.dequeue()).toBe(2 * i)
    expect(queue.dequeue()).toBeUndefined()
  })

  describe('what is wrong is named', () => {
    test('values', async () => {
      using queue = new Queue(cxl, int8)
      for (const value of [128, 0.5, Number.NaN, 2 ** 53]) {
        expectFailure(await failureOf(() => queue.enqueue(value)), rangeError('value'))
      }
      for (const value of ['1', null, undefined, 1n, {}]) {
        expectFailure(await failureOf(() => queue.enqueue(value as never)), typeError('value'))
      }
      expect([queue.size, cxl.mappings().length]).toEqual([0, 0])
      queue.enqueue(1)
      expectFailure(await failureOf(() => queue.enqueue(200)), rangeError('value'))
      expect([...queue]).toEqual([1])
    })

    test.for([
      [{ node: 9 }, emucxlError('BAD_NODE')],
      [{ node: '0' }, typeError('node')],
      [{ placement: 'far' }, rangeError('options.placement')],
      [{ placement: 1 }, typeError('options.placement')],
      [{ placement: 'local', node: 1 }, rangeError('options.node')],
      [{ placement: 'remote', node: 0 }, rangeError('options.node')],
      [{ placement: 'spill', node: 0 }, rangeError('options.node')],
      [{ placement: 'spill', localBytes: 4096 }, rangeError('options.localBytes', '16384')],
      [{ placement: 'spill', localBytes: -1 }, rangeError('options.localBytes')],
      [{ placement: 'spill', localBytes: '1' }, typeError('options.localBytes')],
      [{ localBytes: 1 << 20 }, rangeError('options.localBytes')],
      [null, typeError('options')],
    ] as const)('%j', async ([options, wanted]) => {
      const error = await failureOf(() => new Queue(cxl, int32, options as QueueOptions))
      expectFailure(error, wanted as never)
    })

    test('types and contexts', async () => {
      expectFailure(await failureOf(() => new Queue(cxl, 'int32' as never)), typeError('type'))
      expectFailure(await failureOf(() => new Queue({} as never, int32)), typeError('cxl'))
    })
  })
})
