// The standardized API of the first paper (emucxl.txt, Table II): fifteen functions on one default
// context, each a thin face of a method of Emucxl. They throw where the C library returned NULL or
// ended the process.

import { type Address, type Bytes, checkBytes, outOfRange } from './memory/arguments.js'
import { Emucxl } from './memory/emucxl.js'
import { EmucxlError } from './memory/errors.js'
import type { OpenOptions } from './memory/options.js'

let current: Emucxl | undefined

function context(): Emucxl {
  if (current === undefined || current.closed) {
    throw new EmucxlError('ERR_EMUCXL_CLOSED', 'emucxl is not initialized: call emucxl_init first')
  }
  return current
}

/**
 * Opens the default context.
 *
 * Errors: `ERR_EMUCXL_OPEN` while it is open; those of {@link Emucxl.open}.
 */
export function emucxl_init(options?: OpenOptions): void {
  if (current !== undefined && !current.closed) {
    throw new EmucxlError(
      'ERR_EMUCXL_OPEN',
      'emucxl is initialized already: call emucxl_exit first',
    )
  }
  current = Emucxl.open(options)
}

/** Frees all memory of the default context and closes it. A second call does nothing. */
export function emucxl_exit(): void {
  current?.close()
  current = undefined
}

/** Allocates `size` bytes of zeroed memory on a node: `LOCAL_MEMORY` or a remote one. */
export function emucxl_alloc(size: number, node: number): ArrayBuffer {
  return context().alloc(size, node)
}

/** Frees a block. `size`, where it is given, must be the block's. */
export function emucxl_free(address: Address, size?: number): void {
  const cxl = context()
  if (size !== undefined) {
    checkBytes(size, 'size', 0)
    const actual = cxl.sizeOf(address)
    if (size !== actual) throw outOfRange('size', `the size of the block, ${actual}`, size)
  }
  cxl.free(address)
}

/** Makes a block longer or shorter on its node; returns the address to go on with. */
export function emucxl_resize(address: Address, size: number): ArrayBuffer {
  return context().resize(address, size)
}

/** Moves a block to a node, in place; returns the address to go on with: the same one. */
export function emucxl_migrate<T extends Address>(address: T, node: number): T {
  context().migrate(address, node)
  return address
}

/** Whether a block is on the local node. */
export function emucxl_is_local(address: Address): boolean {
  return context().isLocal(address)
}

/** The node of a block, by the number that `emucxl_alloc` takes. */
export function emucxl_get_numa_node(address: Address): number {
  return context().nodeOf(address)
}

/** The size of a block in bytes, as it was asked for. */
export function emucxl_get_size(address: Address): number {
  return context().sizeOf(address)
}

/** Bytes that are allocated on a node. */
export function emucxl_stats(node: number): number {
  return context().stats(node).allocated
}

/** Copies `size` bytes from `offset` of the block to the start of `buffer`. Returns true. */
export function emucxl_read(
  address: Address,
  offset: number,
  buffer: Bytes,
  size: number,
): boolean {
  context().read(address, offset, buffer, size)
  return true
}

/** Copies `size` bytes from the start of `buffer` to `offset` of the block. Returns true. */
export function emucxl_write(
  buffer: Bytes,
  offset: number,
  address: Address,
  size: number,
): boolean {
  context().write(address, offset, buffer, size)
  return true
}

/** Sets the first `size` bytes to `value`: a byte, or −1 for all bits set. Returns the address. */
export function emucxl_memset<T extends Address>(address: T, value: number, size: number): T {
  context().fill(address, value, 0, size)
  return address
}

/** Copies `size` bytes; the two may not overlap. Returns `to`. */
export function emucxl_memcpy<T extends Address>(to: T, from: Address, size: number): T {
  context().copy(to, 0, from, 0, size)
  return to
}

/** Copies `size` bytes; the two may overlap. Returns `to`. */
export function emucxl_memmove<T extends Address>(to: T, from: Address, size: number): T {
  context().move(to, 0, from, 0, size)
  return to
}
