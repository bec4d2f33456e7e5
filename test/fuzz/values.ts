// Arguments as plain data, which a counterexample can show; the values they stand for; and what is
// wrong with a value, by the contract of the API alone.

import { constants } from 'node:buffer'

/** An argument: itself, the name of one that JSON cannot hold, or a part (0 to 1) of what fits. */
export type Argument = number | { readonly odd: OddName } | { readonly part: number }

const ODD = {
  undefined: undefined,
  null: null,
  NaN: Number.NaN,
  '-Infinity': Number.NEGATIVE_INFINITY,
  Infinity: Number.POSITIVE_INFINITY,
  '-0': -0,
  '-1': -1,
  '0.5': 0.5,
  '2^53': 2 ** 53,
  '2^53-1': 2 ** 53 - 1,
  "'1'": '1',
  "''": '',
  '1n': 1n,
  true: true,
  symbol: Symbol('hostile'),
  '[1]': [1],
  '{}': {},
  function: () => 1,
  valueOf: {
    valueOf() {
      throw new Error('valueOf was called')
    },
  },
} as const

export type OddName = keyof typeof ODD
export const ODD_NAMES = Object.keys(ODD) as OddName[]

export function valueFrom(argument: Argument, most = 0): unknown {
  if (typeof argument === 'number') return argument
  return 'odd' in argument ? ODD[argument.odd] : Math.floor(argument.part * (most + 1))
}

/** What of `most` bytes is left behind an offset that was given; 0 for what is no offset. */
export const left = (most: number, offset: unknown): number =>
  typeof offset === 'number' && offset >= 0 && offset <= most ? most - offset : 0

/** An error that a call may, or must, fail with. */
export interface Problem {
  readonly type: 'TypeError' | 'RangeError' | 'EmucxlError'
  readonly code: string
  /** What its message has to name. */
  readonly names?: string
}

export const wrongType = (names: string): Problem => ({
  type: 'TypeError',
  code: 'ERR_INVALID_ARG_TYPE',
  names,
})

export const outOfRange = (names: string): Problem => ({
  type: 'RangeError',
  code: 'ERR_OUT_OF_RANGE',
  names,
})

export const failure = (code: string, names?: string): Problem =>
  names === undefined ? { type: 'EmucxlError', code } : { type: 'EmucxlError', code, names }

export const CLOSED = failure('ERR_EMUCXL_CLOSED')
export const FREED = failure('ERR_EMUCXL_FREED')
export const DETACHED = failure('ERR_EMUCXL_DETACHED')
export const UNSUPPORTED = failure('ERR_EMUCXL_UNSUPPORTED')
export const LOCK_LIMIT = failure('ERR_EMUCXL_LOCK_LIMIT')
export const BUSY = failure('ERR_EMUCXL_BUSY')
export const NO_MEMORY = failure('ERR_EMUCXL_NO_MEMORY')
export const NOT_ALLOCATED = failure('ERR_EMUCXL_NOT_ALLOCATED')

/** What is wrong with a number of bytes. */
export function bytesProblems(value: unknown, name: string, least: 0 | 1): Problem[] {
  if (typeof value !== 'number') return [wrongType(name)]
  return Number.isSafeInteger(value) && value >= least ? [] : [outOfRange(name)]
}

/** The same for a block's, which can also be longer than an ArrayBuffer, or than any range. */
export function blockSizeProblems(value: unknown): Problem[] {
  const problems = bytesProblems(value, 'size', 1)
  if (problems.length !== 0) return problems
  if ((value as number) > constants.MAX_LENGTH) return [outOfRange('size')]
  return (value as number) > 2 ** 47 ? [NO_MEMORY] : []
}

export function byteProblems(value: unknown): Problem[] {
  if (typeof value !== 'number') return [wrongType('value')]
  return Number.isInteger(value) && value >= -1 && value <= 255 ? [] : [outOfRange('value')]
}

export function nodeProblems(value: unknown, count: number): Problem[] {
  if (typeof value !== 'number') return [wrongType('node')]
  return Number.isInteger(value) && value >= 0 && value < count
    ? []
    : [failure('ERR_EMUCXL_BAD_NODE')]
}

/** Options of a block: some that are right, and some that are not. */
export const BLOCK_OPTIONS = {
  none: undefined,
  empty: {},
  shared: { shared: true },
  lock: { lock: true },
  prefault: { prefault: true },
  all: { lock: true, prefault: true, shared: true, hugePages: 'off' },
  prefer: { hugePages: 'prefer' },
  require: { hugePages: 'require' },
  number: 5,
  null: null,
  'hugePages: x': { hugePages: 'x' },
  'hugePages: 1': { hugePages: 1 },
  'lock: 1': { lock: 1 },
  'prefault: x': { prefault: 'x' },
  'shared: null': { shared: null },
} as const

export type BlockOptionsName = keyof typeof BLOCK_OPTIONS

export function optionsProblems(name: BlockOptionsName): Problem[] {
  const option = name.split(':')[0]
  switch (name) {
    case 'number':
    case 'null':
      return [wrongType('options')]
    case 'hugePages: x':
      return [outOfRange('options.hugePages')]
    case 'hugePages: 1':
    case 'lock: 1':
    case 'prefault: x':
    case 'shared: null':
      return [wrongType(`options.${option}`)]
    default:
      return []
  }
}
