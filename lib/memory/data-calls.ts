// The calls of a context that read and write bytes of its blocks.

import { addon, Kind } from './addon.js'
import {
  type Address,
  type Bytes,
  byteLength,
  checkByte,
  checkBytes,
  toAddon,
} from './arguments.js'
import { type AsyncOptions, run } from './jobs.js'

/** What {@link Emucxl} has for bytes: read, write, fill, copy, move. */
export abstract class DataCalls {
  /** Throws where the context is closed. */
  readonly #checkOpen: () => void

  /** @internal */
  constructor(checkOpen: () => void) {
    this.#checkOpen = checkOpen
  }

  /**
   * Copies `size` bytes from `offset` of the block to the start of `buffer`. Default size: all of
   * `buffer`. Source: `emucxl_read`, Table II; `offset` counts in the block.
   */
  read(address: Address, offset: number, buffer: Bytes, size = byteLength(buffer, 'buffer')): void {
    this.#checkRange(offset, size)
    addon.copy(toAddon(buffer), 0, address, offset, size, Kind.read)
  }

  /** As {@link read}, off the main thread. */
  async readAsync(
    address: Address,
    offset: number,
    buffer: Bytes,
    size = byteLength(buffer, 'buffer'),
    options?: AsyncOptions,
  ): Promise<void> {
    this.#checkRange(offset, size)
    await run(options, (job) =>
      addon.copyAsync(job, toAddon(buffer), 0, address, offset, size, Kind.read),
    )
  }

  /**
   * Copies `size` bytes from the start of `buffer` to `offset` of the block. Default size: all of
   * `buffer`. Source: `emucxl_write`, Table II; `offset` counts in the block.
   */
  write(
    address: Address,
    offset: number,
    buffer: Bytes,
    size = byteLength(buffer, 'buffer'),
  ): void {
    this.#checkRange(offset, size)
    addon.copy(address, offset, toAddon(buffer), 0, size, Kind.write)
  }

  /** As {@link write}, off the main thread. */
  async writeAsync(
    address: Address,
    offset: number,
    buffer: Bytes,
    size = byteLength(buffer, 'buffer'),
    options?: AsyncOptions,
  ): Promise<void> {
    this.#checkRange(offset, size)
    await run(options, (job) =>
      addon.copyAsync(job, address, offset, toAddon(buffer), 0, size, Kind.write),
    )
  }

  /**
   * Sets `size` bytes from `offset` on to `value`: a byte, or −1 for all bits set. Default size: the
   * rest of the address. Source: `emucxl_memset`, Table II.
   */
  fill(address: Address, value: number, offset = 0, size?: number): void {
    const byte = checkByte(value, 'value')
    const length = size === undefined ? rest(address, offset) : size
    this.#checkRange(offset, length)
    addon.fill(address, offset, length, byte)
  }

  /** As {@link fill}, off the main thread. */
  async fillAsync(
    address: Address,
    value: number,
    offset = 0,
    size?: number,
    options?: AsyncOptions,
  ): Promise<void> {
    const byte = checkByte(value, 'value')
    const length = size === undefined ? rest(address, offset) : size
    this.#checkRange(offset, length)
    await run(options, (job) => addon.fillAsync(job, address, offset, length, byte))
  }

  /**
   * Copies `size` bytes between two blocks, or inside one; a `RangeError` where they overlap.
   * Source: `emucxl_memcpy`, Table II.
   */
  copy(to: Address, toOffset: number, from: Address, fromOffset: number, size: number): void {
    this.#checkRanges(toOffset, fromOffset, size)
    addon.copy(to, toOffset, from, fromOffset, size, Kind.copy)
  }

  /** As {@link copy}, off the main thread. */
  async copyAsync(
    to: Address,
    toOffset: number,
    from: Address,
    fromOffset: number,
    size: number,
    options?: AsyncOptions,
  ): Promise<void> {
    this.#checkRanges(toOffset, fromOffset, size)
    await run(options, (job) =>
      addon.copyAsync(job, to, toOffset, from, fromOffset, size, Kind.copy),
    )
  }

  /** As {@link copy}; the two may overlap. Source: `emucxl_memmove`, Table II. */
  move(to: Address, toOffset: number, from: Address, fromOffset: number, size: number): void {
    this.#checkRanges(toOffset, fromOffset, size)
    addon.copy(to, toOffset, from, fromOffset, size, Kind.move)
  }

  /** As {@link move}, off the main thread. */
  async moveAsync(
    to: Address,
    toOffset: number,
    from: Address,
    fromOffset: number,
    size: number,
    options?: AsyncOptions,
  ): Promise<void> {
    this.#checkRanges(toOffset, fromOffset, size)
    await run(options, (job) =>
      addon.copyAsync(job, to, toOffset, from, fromOffset, size, Kind.move),
    )
  }

  #checkRange(offset: unknown, size: unknown): void {
    this.#checkOpen()
    checkBytes(offset, 'offset', 0)
    checkBytes(size, 'size', 0)
  }

  #checkRanges(toOffset: unknown, fromOffset: unknown, size: unknown): void {
    this.#checkOpen()
    checkBytes(toOffset, 'toOffset', 0)
    checkBytes(fromOffset, 'fromOffset', 0)
    checkBytes(size, 'size', 0)
  }
}

function rest(address: Address, offset: unknown): number {
  checkBytes(offset, 'offset', 0)
  return Math.max(0, byteLength(address, 'address') - offset)
}
