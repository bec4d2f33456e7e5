// What a range of bytes holds.
import assert from 'node:assert/strict'

const CHUNK = 1 << 20

/** Fails unless every byte of the buffer, view or SharedArrayBuffer is zero. */
export function assertZeros(memory, what) {
  assertFilled(memory, 0, what)
}

/** Fails unless every byte is `value`, or, with `orZero`, zero. */
export function assertFilled(memory, value, what, orZero = false) {
  const bytes = toBytes(memory)
  const model = Buffer.alloc(Math.min(CHUNK, bytes.length), value)
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const chunk = bytes.subarray(at, at + CHUNK)
    if (model.compare(chunk, 0, chunk.length, 0, chunk.length) === 0) continue
    const index = chunk.findIndex((byte) => byte !== value && !(orZero && byte === 0))
    if (index !== -1) {
      assert.fail(`${what}: byte ${at + index} is ${chunk[index]}, not ${value}`)
    }
  }
}

export function toBytes(memory) {
  return ArrayBuffer.isView(memory)
    ? Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength)
    : Buffer.from(memory)
}
