// Checks of arguments, and the words for what is wrong with them.

import { constants } from 'node:buffer'
import { inspect, types } from 'node:util'
import { EmucxlError } from './errors.js'
import type { Node } from './options.js'

/** An `ArrayBuffer` or `SharedArrayBuffer` of emucxl, or a view into one: its byteOffset counts. */
export type Address = ArrayBufferLike | ArrayBufferView

/** Any memory of JavaScript. */
export type Bytes = ArrayBufferLike | ArrayBufferView

function shown(value: unknown): string {
  return typeof value === 'number' || value === null || value === undefined
    ? String(value)
    : `${inspected(value).slice(0, 60)} (${typeof value})`
}

/** As `inspect`, but no code of the value's own (a getter that throws) takes the error's place. */
function inspected(value: unknown): string {
  try {
    return inspect(value, { depth: 0, breakLength: Infinity, customInspect: false })
  } catch {
    return 'something that cannot be shown'
  }
}

export function wrongType(
  name: string,
  expected: string,
  value: unknown,
  cause?: unknown,
): TypeError {
  const error: TypeError & { code?: string } = new TypeError(
    `${name} must be ${expected}, not ${shown(value)}`,
    cause === undefined ? undefined : { cause },
  )
  error.code = 'ERR_INVALID_ARG_TYPE'
  return error
}

export function outOfRange(name: string, expected: string, value: unknown): RangeError {
  const error: RangeError & { code?: string } = new RangeError(
    `${name} must be ${expected}, not ${shown(value)}`,
  )
  error.code = 'ERR_OUT_OF_RANGE'
  return error
}

/** Checks a whole number of bytes from `least` to 2^53 − 1. */
export function checkBytes(value: unknown, name: string, least: 0 | 1): asserts value is number {
  if (typeof value !== 'number') throw wrongType(name, 'a number of bytes', value)
  if (!Number.isSafeInteger(value) || value < least) {
    throw outOfRange(name, `a whole number of bytes from ${least} to 2^53 - 1`, value)
  }
}

/** Checks a whole number from `least` to `most`. */
export function checkWhole(
  value: unknown,
  name: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value)
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    const end = most === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : most
    throw outOfRange(name, `a whole number from ${least} to ${end}`, value)
  }
}

/** Checks a number that is more than 0. `expected` says what is counted. */
export function checkPositive(
  value: unknown,
  name: string,
  expected = 'a number',
): asserts value is number {
  if (typeof value !== 'number') throw wrongType(name, expected, value)
  if (!(value > 0)) throw outOfRange(name, 'more than 0', value)
}

/** Checks the number of a node, and says which there are. */
export function checkNode(
  value: unknown,
  nodes: readonly Node[],
  name = 'node',
): asserts value is number {
  if (typeof value !== 'number') throw wrongType(name, 'the number of a node', value)
  if (nodes[value] === undefined) {
    const known = nodes.map((n) => `${n.node} (${n.role}, NUMA node ${n.numaNode})`)
    throw new EmucxlError(
      'ERR_EMUCXL_BAD_NODE',
      `${name}: this context has the nodes ${known.join(' and ')}, not ${value}`,
    )
  }
}

/** Checks the size of a block: 1 byte to the longest ArrayBuffer of the running Node.js. */
export function checkBlockSize(value: unknown, name = 'size'): asserts value is number {
  checkBytes(value, name, 1)
  if (value > constants.MAX_LENGTH) {
    throw outOfRange(
      name,
      `at most ${constants.MAX_LENGTH} bytes, the longest ArrayBuffer of Node.js ${process.version}` +
        (constants.MAX_LENGTH <= 2 ** 32 ? ' (22 and later have no such limit)' : ''),
      value,
    )
  }
}

/** Checks a byte to fill memory with: 0 to 255, or −1 for all bits set. */
export function checkByte(value: unknown, name: string): number {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value)
  if (!Number.isInteger(value) || value < -1 || value > 255) {
    throw outOfRange(name, 'a byte from 0 to 255, or -1', value)
  }
  return value & 0xff
}

export function checkOptions(value: unknown, name = 'options'): void {
  if (value !== undefined && (typeof value !== 'object' || value === null)) {
    throw wrongType(name, 'an object', value)
  }
}

export function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value)
  return value
}

export function checkChoice<T extends string>(
  value: unknown,
  name: string,
  choices: readonly T[],
): T {
  if (typeof value !== 'string') {
    throw wrongType(name, `one of ${choices.map((c) => `'${c}'`).join(', ')}`, value)
  }
  if (!choices.includes(value as T)) {
    throw outOfRange(name, `one of ${choices.map((c) => `'${c}'`).join(', ')}`, value)
  }
  return value as T
}

export function checkSignal(value: unknown): asserts value is AbortSignal | undefined {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    throw wrongType('options.signal', 'an AbortSignal', value)
  }
}

/**
 * The length of any memory, for a size that was left out; 0 where it has none any more. The addon
 * checks what it is given against the memory itself.
 */
export function byteLength(value: unknown, name: string): number {
  if (!types.isAnyArrayBuffer(value) && !ArrayBuffer.isView(value)) {
    throw wrongType(name, 'an ArrayBuffer, a SharedArrayBuffer or a view of one', value)
  }
  try {
    return value.byteLength
  } catch {
    return 0 // a DataView whose buffer was detached
  }
}

/** `value` as something that the addon can ask for its bytes; the addon refuses what is no memory. */
export function toAddon(value: Bytes): Bytes {
  // Node-API of Node.js 20 knows views of shared memory, but not the SharedArrayBuffer itself.
  // By its type, not by `instanceof`: one may come from another realm, and a prototype can be faked.
  return types.isSharedArrayBuffer(value) ? new Uint8Array(value) : value
}
