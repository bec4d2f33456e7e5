// Copies of values, which share buffers: each takes the longs that its bytes lie in, no more and no less.

import { expect, test } from 'vitest'
import { Copies } from '../../lib/kv/copies.js'
import { Memory } from '../../lib/kv/memory.js'
import { pattern } from '../memory/refusal.js'

const LONG = 8
const SHARED_BYTES = 16 * 1024

const memoryOf = (length: number) => {
  const memory = new Memory(new ArrayBuffer(length), 'local')
  memory.bytes.set(pattern(length))
  return memory
}

/** Where its memory ends with a value, nothing can be read beyond it. */
const cases = [LONG, 32 * LONG, 33 * LONG, 256 * LONG].flatMap((length) =>
  [0, LONG].map((behind) => [length, behind] as const),
)

test.each(cases)('of %d bytes, with %d behind them, fill a buffer to its end', (length, behind) => {
  const copies = new Copies()
  const memory = memoryOf(length + behind)
  const make = () => copies.of(memory, 0, length)
  const all = Array.from({ length: Math.floor(SHARED_BYTES / length) }, make)
  expect(new Set(all.map(({ buffer }) => buffer)).size).toBe(1)
  expect(all.map(({ byteOffset }) => byteOffset)).toEqual(all.map((_, i) => i * length))
  expect(make().buffer).not.toBe(all[0]?.buffer)
  for (const copy of all) expect(Buffer.from(copy).equals(pattern(length))).toBe(true)
})

test('may begin and end anywhere in a long', () => {
  const copies = new Copies()
  const memory = memoryOf(4 * LONG)
  let next = 0
  for (let from = 0; from <= LONG; from++) {
    for (let to = from + 1; to <= memory.size; to++) {
      const first = Math.floor(from / LONG)
      const copy = copies.of(memory, from, to)
      expect(copy).toEqual(pattern(memory.size).subarray(from, to))
      expect(copy.byteOffset).toBe((next - first) * LONG + from)
      next += Math.ceil(to / LONG) - first
    }
  }
})

test('of more than an eighth of a shared buffer have one of their own', () => {
  const most = SHARED_BYTES / 8
  const memory = memoryOf(most + LONG)
  const copy = new Copies().of(memory, 0, most + 1)
  expect(copy.buffer.byteLength).toBe(most + 1)
  expect(Buffer.from(copy).equals(memory.bytes.subarray(0, most + 1))).toBe(true)
})

test('are made in another buffer when the shared one has transferred itself', ({ skip }) => {
  const { transfer } = ArrayBuffer.prototype as { transfer?: () => ArrayBuffer }
  if (transfer === undefined) return skip('Node.js 20 has no ArrayBuffer.prototype.transfer')
  const copies = new Copies()
  const memory = memoryOf(LONG)
  const { buffer } = copies.of(memory, 0, LONG)
  try {
    transfer.call(buffer)
    expect(buffer.byteLength).toBe(0)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError) // Node.js 24 and later let nobody transfer it
  }
  expect(copies.of(memory, 0, LONG)).toEqual(pattern(LONG))
})
