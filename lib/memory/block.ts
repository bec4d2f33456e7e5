// What JavaScript remembers of a block: its node, kept in a private field of the ArrayBuffer itself.
// So asking for it costs no call of the addon, and the memory of it goes with the buffer.

import { types } from 'node:util'
import type { Address } from './arguments.js'

// A derived constructor may return any object; the private field is then added to that one.
const Bearer = function (this: unknown, bearer: object): object {
  return bearer
} as unknown as new (
  bearer: object,
) => object

const FREED = -1

class Stamped extends Bearer {
  #node: number

  constructor(buffer: ArrayBuffer, node: number) {
    super(buffer)
    this.#node = node
  }

  static nodeOf(value: object): number {
    return #node in value ? value.#node : FREED
  }

  static setNode(value: object, node: number): void {
    if (#node in value) value.#node = node
  }
}

/** Remembers the node of a new block. */
export function stamp(buffer: ArrayBuffer, node: number): ArrayBuffer {
  new Stamped(buffer, node)
  return buffer
}

const bufferOfTypedArray = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'buffer',
)?.get as () => ArrayBufferLike
const bufferOfDataView = Object.getOwnPropertyDescriptor(DataView.prototype, 'buffer')
  ?.get as () => ArrayBufferLike

/** The buffer that the addon sees below an address: a property of the view's own cannot hide it. */
export function bufferBelow(address: Address): ArrayBufferLike {
  if (types.isTypedArray(address)) return bufferOfTypedArray.call(address)
  return types.isDataView(address) ? bufferOfDataView.call(address) : (address as ArrayBufferLike)
}

/**
 * The node of a buffer that has its memory still, or of a view into one; undefined for anything else,
 * and for memory that other threads know too: only the addon can tell about that.
 */
export function rememberedNode(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const buffer = ArrayBuffer.isView(value) ? bufferBelow(value) : value
  const node = Stamped.nodeOf(buffer)
  // A transfer leaves the old buffer with its stamp, and without its memory; one whose prototype was
  // taken away does not say.
  return node !== FREED && (buffer as ArrayBuffer).byteLength > 0 ? node : undefined
}

/** Remembers that a block has moved. `value` may be a view. */
export function restamp(value: Address, node: number): void {
  Stamped.setNode(bufferBelow(value), node)
}

/** Remembers that a block is gone. */
export function unstamp(value: Address): void {
  restamp(value, FREED)
}
