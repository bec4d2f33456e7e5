// The two faces of the API as one: a context's methods, or the fifteen functions on the default one.

import type { Address, AllocOptions, Bytes, MigrateResult, OpenOptions } from 'emucxl'
import * as standard from 'emucxl'
import { Emucxl } from 'emucxl'

export interface Face {
  /** All there is, where it is a context of its own. */
  readonly cxl: Emucxl | undefined
  alloc(size: number, node: number, options?: AllocOptions): ArrayBuffer | SharedArrayBuffer
  free(address: Address): void
  resize(address: Address, size: number): ArrayBuffer
  /** Undefined: it does not tell. */
  migrate(address: Address, node: number): MigrateResult | undefined
  isLocal(address: Address): boolean
  nodeOf(address: Address): number
  sizeOf(address: Address): number
  allocated(node: number): number
  /** The offsets in JavaScript's memory, and those of copies and fills, are 0 on the default one. */
  read(address: Address, offset: number, buffer: Bytes, size?: number): void
  write(address: Address, offset: number, buffer: Bytes, size?: number): void
  fill(address: Address, value: number, offset: number, size?: number): void
  copy(to: Address, toOffset: number, from: Address, fromOffset: number, size: number): void
  move(to: Address, toOffset: number, from: Address, fromOffset: number, size: number): void
  close(): void
}

export function openContext(options: OpenOptions): Face {
  const cxl = Emucxl.open(options)
  return {
    cxl,
    alloc: (size, node, alloc) => cxl.alloc(size, node, alloc),
    free: (address) => cxl.free(address),
    resize: (address, size) => cxl.resize(address, size),
    migrate: (address, node) => cxl.migrate(address, node),
    isLocal: (address) => cxl.isLocal(address),
    nodeOf: (address) => cxl.nodeOf(address),
    sizeOf: (address) => cxl.sizeOf(address),
    allocated: (node) => cxl.stats(node).allocated,
    read: (...a) => cxl.read(...a),
    write: (...a) => cxl.write(...a),
    fill: (...a) => cxl.fill(...a),
    copy: (...a) => cxl.copy(...a),
    move: (...a) => cxl.move(...a),
    close: () => cxl.close(),
  }
}

function same(found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`returned ${String(found)}, not ${String(wanted)}`)
}

export function openDefault(options: OpenOptions): Face {
  standard.emucxl_init(options)
  return {
    cxl: undefined,
    alloc: standard.emucxl_alloc,
    free: (address) => standard.emucxl_free(address),
    resize: standard.emucxl_resize,
    migrate(address, node) {
      same(standard.emucxl_migrate(address, node), address)
      return undefined
    },
    isLocal: standard.emucxl_is_local,
    nodeOf: standard.emucxl_get_numa_node,
    sizeOf: standard.emucxl_get_size,
    allocated: standard.emucxl_stats,
    read(address, offset, buffer, size) {
      same(standard.emucxl_read(address, offset, buffer, size as number), true)
    },
    write(address, offset, buffer, size) {
      same(standard.emucxl_write(buffer, offset, address, size as number), true)
    },
    fill(address, value, _offset, size) {
      same(standard.emucxl_memset(address, value, size as number), address)
    },
    copy(to, _toOffset, from, _fromOffset, size) {
      same(standard.emucxl_memcpy(to, from, size), to)
    },
    move(to, _toOffset, from, _fromOffset, size) {
      same(standard.emucxl_memmove(to, from, size), to)
    },
    close: standard.emucxl_exit,
  }
}
