// Bytes that come from a user, taken at no other word than the engine's: a subclass may say what it likes of
// its length.

import { types } from 'node:util'
import { wrongType } from '../memory/arguments.js'
import { EmucxlError } from '../memory/errors.js'

const prototype = Object.getPrototypeOf(Uint8Array.prototype)

const ofBytes = Uint8Array.prototype
const ofBuffers = Buffer.prototype

/** A property as all Uint8Arrays have it by birth. */
function born<T>(bytes: Uint8Array, name: string): T {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get?.call(bytes)
}

/** A value of the user's as a Uint8Array whose `length` is true. */
export function bytesOf(value: unknown, name: string, expected = 'a Uint8Array'): Uint8Array {
  if (!types.isUint8Array(value)) throw wrongType(name, expected, value)
  const is = Object.getPrototypeOf(value)
  const isPlain = is === ofBuffers || is === ofBytes
  // Of a variable that may be either, optimized code of Node.js 20 takes the length that was before a transfer.
  // A view of a buffer that can grow may have another length at the next look.
  const { resizable, growable } = value.buffer as { resizable?: boolean; growable?: boolean }
  const mayGrow = resizable === true || growable === true
  if (!isPlain || mayGrow || Object.hasOwn(value, 'length')) return plain(value, name)
  if (value.byteLength === 0) checkMemory(value, name)
  return value
}

function plain(bytes: Uint8Array, name: string): Uint8Array {
  checkMemory(bytes, name)
  const [buffer, offset] = [born<ArrayBuffer>(bytes, 'buffer'), born<number>(bytes, 'byteOffset')]
  return new Uint8Array(buffer, offset, born<number>(bytes, 'length'))
}

/** Bytes whose buffer is gone have the length 0, too, or those that a resize has left outside. */
function checkMemory(bytes: Uint8Array, name: string): void {
  try {
    prototype.fill.call(bytes, 0, 0, 0) // it fills nothing
  } catch (cause) {
    throw new EmucxlError(
      'ERR_EMUCXL_DETACHED',
      `${name} has no memory: its buffer was freed, resized or transferred`,
      { cause },
    )
  }
}
