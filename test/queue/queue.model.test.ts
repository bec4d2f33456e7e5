// Queues against arrays: random calls of two queues that share a context with little memory. After each
// call each queue has just the elements that its array has, in order, and after the last one nothing of
// either is left.

import { isDeepStrictEqual } from 'node:util'
import {
  array,
  type Emucxl,
  EmucxlError,
  type FieldType,
  float64,
  int32,
  Queue,
  type QueueOptions,
  struct,
  uint8,
  uint32,
  utf8,
} from 'emucxl'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eachBackend, SLOWNESS } from '../memory/each-backend.js'

const KiB = 1024

const Wide = struct({ id: uint32, x: float64, name: utf8(7), tags: array(uint8, 900) })
const wide = (n: number) => ({
  ...{ id: n, x: n / 3, name: `n${n % 1000}` },
  tags: Array.from({ length: 900 }, (_, i) => (n + i) & 0xff),
})

const KINDS = {
  int32: { type: int32, make: (n: number) => n, most: 3000 },
  'a struct of 920 bytes': { type: Wide, make: wide, most: 25 },
} as const

type Step =
  | { call: 'enqueue' | 'dequeue'; queue: number; count: number }
  | { call: 'iterate'; queue: number; enqueues: number; dequeues: number }
  | { call: 'peek' | 'clear'; queue: number }

const steps = (most: number): fc.Arbitrary<Step[]> => {
  const queue = fc.nat({ max: 1 })
  const count = fc.integer({ min: 1, max: most })
  return fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ call: fc.constantFrom('enqueue', 'dequeue'), queue, count }),
      },
      fc.record({
        call: fc.constant('iterate' as const),
        queue,
        enqueues: fc.nat({ max: 3 }),
        dequeues: fc.nat({ max: 3 }),
      }),
      fc.record({ call: fc.constantFrom('peek', 'clear'), queue }),
    ),
    { maxLength: 40, size: 'max' },
  )
}

class Subject<T> {
  readonly queue: Queue<T>
  readonly wanted: T[] = []
  readonly #make: (n: number) => T
  #next = 0

  constructor(cxl: Emucxl, type: FieldType<T>, make: (n: number) => T, options: QueueOptions) {
    this.queue = new Queue(cxl, type, options)
    this.#make = make
  }

  /** False where there is no memory. */
  enqueue(): boolean {
    const value = this.#make(this.#next++)
    try {
      this.queue.enqueue(value)
    } catch (error) {
      expect(error).toBeInstanceOf(EmucxlError)
      expect((error as EmucxlError).code).toBe('ERR_EMUCXL_NO_MEMORY')
      return false
    }
    this.wanted.push(value)
    return true
  }

  dequeue(): void {
    const value = this.queue.dequeue()
    const wanted = this.wanted.shift()
    if (typeof value !== 'number' || value !== wanted) expect(value).toEqual(wanted)
  }

  iterate(enqueues: number, dequeues: number): void {
    let at = 0
    let turns = 0
    for (const value of this.queue) {
      expect(value).toEqual(this.wanted[at])
      at++
      if (++turns > 40) break
      for (let i = 0; i < enqueues; i++) this.enqueue()
      for (let i = 0; i < dequeues && this.wanted.length > 0; i++) {
        this.dequeue()
        at = Math.max(0, at - 1)
      }
    }
  }

  run(step: Step): void {
    if (step.call === 'enqueue') {
      for (let i = 0; i < step.count && this.enqueue(); i++);
    } else if (step.call === 'dequeue') {
      for (let i = 0; i < step.count; i++) this.dequeue()
    } else if (step.call === 'iterate') {
      this.iterate(step.enqueues, step.dequeues)
    } else if (step.call === 'peek') {
      expect(this.queue.peek()).toEqual(this.wanted[0])
    } else {
      this.queue.clear()
      this.wanted.length = 0
    }
  }

  check(): void {
    const { queue, wanted } = this
    expect(queue.size).toBe(wanted.length)
    const found = [...queue]
    if (!isDeepStrictEqual(found, wanted)) expect(found).toEqual(wanted) // toEqual takes long
    const { elements, segments, bytes, nodes } = queue.stats()
    expect(elements).toBe(wanted.length)
    expect(bytes).toBeGreaterThanOrEqual(queue.type.size * wanted.length)
    expect(segments).toBeLessThanOrEqual(
      2 + wanted.length / Math.max(8, 4088 / queue.type.size - 1),
    )
    expect(nodes.map((each) => each.segments).reduce((a, b) => a + b)).toBe(segments)
  }
}

eachBackend(({ open }) => {
  describe.each(Object.entries(KINDS))('elements: %s', (_, { type, make, most }) => {
    test.each([
      [{ placement: 'local' }, { placement: 'remote' }],
      [{ placement: 'spill', localBytes: 64 * KiB }, { placement: 'local' }],
      [
        { placement: 'spill', localBytes: 32 * KiB },
        { placement: 'spill', localBytes: 48 * KiB },
      ],
    ] as const)('%j, %j', (...options) => {
      fc.assert(
        fc.property(steps(most), fc.constantFrom(128, 192, 4096), (sequence, capacity) => {
          using cxl = open({ capacity: { local: capacity * KiB, remote: 192 * KiB } })
          const subjects = options.map(
            (each) =>
              new Subject(
                cxl,
                type as FieldType<unknown>,
                make as (n: number) => unknown,
                type === int32
                  ? each
                  : { ...each, ...('localBytes' in each ? { localBytes: 64 * KiB } : {}) },
              ),
          )
          for (const step of sequence) {
            subjects[step.queue]?.run(step)
            for (const subject of subjects) subject.check()
          }
          for (const { queue } of subjects) queue.destroy()
          expect(cxl.mappings()).toEqual([])
        }),
        { numRuns: Math.ceil(10 / SLOWNESS) },
      )
    })
  })
})
