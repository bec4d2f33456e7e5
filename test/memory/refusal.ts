// What a refused call must be: an error that names the parameter, and everything as it was before.

import { type Emucxl, EmucxlError, type Mapping, type NodeStats } from 'emucxl'
import { expect } from 'vitest'

export type Failure = Error & { code?: string; syscall?: string; errno?: number }

/** What `call` throws, or its promise is rejected with. */
export async function failureOf(call: () => unknown): Promise<Failure> {
  try {
    await call()
  } catch (error) {
    return error as Failure
  }
  throw new Error('it succeeded, and should have failed')
}

export interface Wanted {
  type: 'TypeError' | 'RangeError' | 'EmucxlError'
  code: string
  /** What its message has to contain: the parameter, the remedy. */
  says?: (string | RegExp)[]
}

export const typeError = (...says: (string | RegExp)[]): Wanted => ({
  type: 'TypeError',
  code: 'ERR_INVALID_ARG_TYPE',
  says,
})

export const rangeError = (...says: (string | RegExp)[]): Wanted => ({
  type: 'RangeError',
  code: 'ERR_OUT_OF_RANGE',
  says,
})

export const emucxlError = (code: string, ...says: (string | RegExp)[]): Wanted => ({
  type: 'EmucxlError',
  code: `ERR_EMUCXL_${code}`,
  says,
})

export function expectFailure(error: Failure, wanted: Wanted): void {
  expect(error).toBeInstanceOf({ TypeError, RangeError, EmucxlError }[wanted.type])
  expect(error.code).toBe(wanted.code)
  for (const part of wanted.says ?? []) {
    if (typeof part === 'string') expect(error.message).toContain(part)
    else expect(error.message).toMatch(part)
  }
}

type Account = Pick<NodeStats, 'allocated' | 'mapped' | 'capacity' | 'available' | 'regions'>

/** Everything about a context that a refused call must not change. */
export function accounts(cxl: Emucxl): { stats: Account[]; mappings: Mapping[] } {
  return {
    stats: cxl.nodes.map(({ node }) => {
      const { allocated, mapped, capacity, available, regions } = cxl.stats(node)
      return { allocated, mapped, capacity, available, regions }
    }),
    mappings: cxl.mappings().sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
  }
}

/** Bytes that are not all alike, the same for the same length. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 17 + (i >> 8)) & 0xff
  return bytes
}

/** A block with a pattern in it. */
export function filled(cxl: Emucxl, size: number, node: number, seed = 1): ArrayBuffer {
  const block = cxl.alloc(size, node)
  new Uint8Array(block).set(pattern(size, seed))
  return block
}

/** Whether memory holds just these bytes; of many, `toEqual` takes minutes. */
export function expectBytes(memory: ArrayBufferLike | Uint8Array, wanted: Uint8Array): void {
  const found = memory instanceof Uint8Array ? memory : new Uint8Array(memory)
  expect(found.length).toBe(wanted.length)
  const real = Buffer.from(found.buffer as ArrayBuffer, found.byteOffset, found.length)
  if (!real.equals(wanted)) expect(found.findIndex((byte, i) => byte !== wanted[i])).toBe(-1)
}

export const bytesOf = (memory: ArrayBufferLike): Uint8Array => new Uint8Array(memory).slice()

/** A context with memory in it, of which a refused call changes nothing. */
export class Untouched {
  readonly #cxl: Emucxl
  readonly #blocks: readonly ArrayBufferLike[]

  constructor(cxl: Emucxl, ...blocks: ArrayBufferLike[]) {
    this.#cxl = cxl
    this.#blocks = blocks
  }

  #now() {
    return { ...accounts(this.#cxl), contents: this.#blocks.map(bytesOf) }
  }

  /** Expects a call to fail as wanted, and to leave accounts, mappings and contents alone. */
  async refuses(call: () => unknown, wanted: Wanted): Promise<void> {
    const before = this.#now()
    expectFailure(await failureOf(call), wanted)
    expect(this.#now()).toEqual(before)
  }
}
