// Memory of both worlds: bytes in the model beside the buffer that should hold the same; and the many
// ways to pass it to a call: the buffer, a view of it, or something that only looks like one.

import { createContext, runInContext } from 'node:vm'
import type { Block } from './model.js'
import { DETACHED, FREED, NOT_ALLOCATED, type Problem, wrongType } from './values.js'

export type AnyBuffer = ArrayBuffer | SharedArrayBuffer

/** Bytes that the model knows, and the parts of them that it cannot know for a while. */
export class Store {
  bytes: Uint8Array
  /** Written by two at the same time: the model takes over what is there when all have ended. */
  uncertain: [from: number, to: number][] = []
  /** Accesses of operations that are under way. */
  readonly accesses: Access[] = []

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /**
   * Notes that these bytes are touched now. True: their contents are not known, because an operation
   * under way writes them, or because one that they depend on did.
   */
  touch(from: number, to: number, writes: boolean): boolean {
    let racing = this.uncertain.some(([first, last]) => first < to && from < last)
    for (const access of this.accesses) {
      if (access.from < to && from < access.to && (writes || access.writes)) {
        access.taint()
        racing = true
      }
    }
    if (racing && writes) this.uncertain.push([from, to])
    return racing
  }

  /** Takes over what is there, where it could not be known. */
  adopt(real: Uint8Array): void {
    for (const [from, to] of this.uncertain) {
      const end = Math.min(to, this.bytes.length)
      if (from < end) this.bytes.set(real.subarray(from, end), from)
    }
    this.uncertain = []
  }

  /** Whether the model knows what is there now. */
  get certain(): boolean {
    return this.uncertain.length === 0 && !this.accesses.some(({ writes }) => writes)
  }
}

export interface Access {
  readonly from: number
  readonly to: number
  readonly writes: boolean
  /** Called when somebody else touches the same bytes, and one of the two writes. */
  readonly taint: () => void
  /** Called when the memory is taken away. */
  readonly revoke: () => void
  /** Called when a resize may take it away before this access has ended, or after. */
  readonly overtake: () => void
}

/**
 * A buffer. `live` ones hold the bytes of their store; of the others the memory was taken away, and
 * the buffer has length 0 (`detached`) or reads as zeros (`zeros`).
 */
export class Handle {
  readonly memory: AnyBuffer
  readonly store: Store
  readonly name: string
  /** None: memory that is not emucxl's. */
  readonly block: Block | undefined
  state: 'live' | 'detached' | 'zeros' = 'live'
  /** Of `zeros`: somebody was writing when the memory went, and may have written after that. */
  dirty = false
  /** Made while the buffer had memory: a view of a detached buffer cannot be made. */
  readonly view: Uint8Array
  readonly dataView: DataView

  constructor(memory: AnyBuffer, store: Store, name: string, block?: Block) {
    this.memory = memory
    this.store = store
    this.name = name
    this.block = block
    this.view = new Uint8Array(memory)
    this.dataView = new DataView(memory)
  }

  get length(): number {
    return this.state === 'detached' ? 0 : this.memory.byteLength
  }
}

const realm = createContext({})
const ForeignUint8Array = runInContext('Uint8Array', realm) as Uint8ArrayConstructor
const ForeignArrayBuffer = runInContext('ArrayBuffer', realm) as ArrayBufferConstructor

/** Where the running Node.js has it. */
const Float16 = (globalThis as { Float16Array?: Uint16ArrayConstructor }).Float16Array

type ViewMaker = (memory: AnyBuffer, at: number, length: number) => ArrayBufferView

const VIEWS: Record<string, { width: number; make: ViewMaker }> = {
  uint8: { width: 1, make: (m, at, n) => new Uint8Array(m, at, n) },
  clamped: { width: 1, make: (m, at, n) => new Uint8ClampedArray(m, at, n) },
  int16: { width: 2, make: (m, at, n) => new Int16Array(m, at, n / 2) },
  float16: { width: 2, make: (m, at, n) => new (Float16 ?? Uint16Array)(m, at, n / 2) },
  float32: { width: 4, make: (m, at, n) => new Float32Array(m, at, n / 4) },
  float64: { width: 8, make: (m, at, n) => new Float64Array(m, at, n / 8) },
  bigint64: { width: 8, make: (m, at, n) => new BigInt64Array(m, at, n / 8) },
  data: { width: 1, make: (m, at, n) => new DataView(m, at, n) },
  // Of a SharedArrayBuffer too; the types know only ArrayBuffer here.
  node: { width: 1, make: (m, at, n) => Buffer.from(m as ArrayBuffer, at, n) },
  'other realm': { width: 1, make: (m, at, n) => new ForeignUint8Array(m, at, n) },
  'no prototype': {
    width: 1,
    make: (m, at, n) => Object.setPrototypeOf(new Uint8Array(m, at, n), null),
  },
}

export const VIEW_NAMES = Object.keys(VIEWS)

/** What is passed for memory that has no model: it is not memory, or has none. */
const IMPOSTORS: Record<string, () => { value: unknown; problem: Problem }> = {
  undefined: () => impostor(undefined),
  null: () => impostor(null),
  5: () => impostor(5),
  string: () => impostor('abc'),
  '{}': () => impostor({}),
  '[]': () => impostor([1, 2, 3]),
  'a Proxy': () => impostor(new Proxy(new ArrayBuffer(8), {})),
  'Object.create(buffer)': () => impostor(Object.create(new ArrayBuffer(8))),
  'a faked ArrayBuffer': () => impostor(Object.create(ArrayBuffer.prototype)),
  'a faked SharedArrayBuffer': () =>
    impostor(Object.create(SharedArrayBuffer.prototype, { length: { value: 64 } })),
  'a faked Uint8Array': () => impostor(Object.setPrototypeOf([], Uint8Array.prototype)),
  '{ byteLength }': () => impostor({ byteLength: 8, byteOffset: 0, buffer: new ArrayBuffer(8) }),
  function: () => impostor(() => 1),
  'an empty ArrayBuffer': () => ({ value: new ArrayBuffer(0), problem: NOT_ALLOCATED }),
}

export const IMPOSTOR_NAMES = Object.keys(IMPOSTORS)

function impostor(value: unknown): { value: unknown; problem: Problem } {
  return { value, problem: wrongType('') }
}

/** Memory as an argument, in plain data. Numbers are taken modulo what there is. */
export type MemoryArgument =
  | {
      readonly from: 'live' | 'dead' | 'foreign'
      readonly pick: number
      /** A view and its part of the buffer, both from 0 to 1; none: the buffer itself. */
      readonly view?: string
      readonly at?: number
      readonly part?: number
    }
  | { readonly impostor: string }

/** Memory as it was passed, and what the model says of it. */
export interface Operand {
  value: unknown
  text: string
  /** Why it is no address: memory of emucxl. */
  addressProblems: Problem[]
  /** Why it is no memory at all. */
  bufferProblems: Problem[]
  handle: Handle | undefined
  /** In the store. */
  offset: number
  length: number
}

export function impostorOperand(name: string, parameter: string): Operand {
  const made = IMPOSTORS[name] ?? IMPOSTORS['null']
  if (made === undefined) throw new Error('no impostors')
  const { value, problem } = made()
  const memory = problem === NOT_ALLOCATED
  const named = { ...problem, names: parameter }
  return {
    value,
    text: name,
    addressProblems: [named],
    bufferProblems: memory ? [] : [named],
    handle: undefined,
    offset: 0,
    length: 0,
  }
}

function addressProblem(handle: Handle): Problem[] {
  if (handle.state === 'detached') return [DETACHED]
  if (handle.block === undefined) {
    // Node-API of Node.js 20 does not know a SharedArrayBuffer, only views of one.
    const unknown = handle.memory instanceof SharedArrayBuffer && !wrapsShared
    return unknown ? [NOT_ALLOCATED, wrongType('')] : [NOT_ALLOCATED]
  }
  return handle.state === 'zeros' ? [FREED] : []
}

function bufferProblem(handle: Handle): Problem[] {
  if (handle.state === 'detached') return [DETACHED]
  return handle.state === 'zeros' ? [FREED] : []
}

/** Whether shared blocks are a SharedArrayBuffer; else they are an ArrayBuffer (Node.js 20). */
export const wrapsShared = Number(process.versions.node.split('.')[0]) >= 22

/** A view of `handle`, or the buffer itself. */
export function handleOperand(
  handle: Handle,
  argument: Extract<MemoryArgument, { from: string }>,
  parameter: string,
): Operand {
  const view = argument.view === undefined ? undefined : VIEWS[argument.view]
  const operand: Operand = {
    value: handle.memory,
    text: handle.name,
    addressProblems: addressProblem(handle).map((p) => ({ ...p, names: parameter })),
    bufferProblems: bufferProblem(handle).map((p) => ({ ...p, names: parameter })),
    handle,
    offset: 0,
    length: handle.length,
  }
  if (view === undefined) return operand
  if (handle.state === 'detached') {
    operand.value = argument.view === 'data' ? handle.dataView : handle.view
    operand.text = `${argument.view} of ${handle.name}`
    return operand
  }
  const whole = Math.floor(handle.length / view.width)
  const first = Math.min(whole, Math.floor((argument.at ?? 0) * (whole + 1)))
  const count = Math.min(whole - first, Math.floor((argument.part ?? 1) * (whole - first + 1)))
  operand.offset = first * view.width
  operand.length = count * view.width
  operand.value = view.make(handle.memory, operand.offset, operand.length)
  operand.text = `${argument.view} of ${handle.name} [${operand.offset}, +${operand.length}]`
  return operand
}

export interface Foreign {
  name: string
  memory: AnyBuffer
}

// One for all: each reserves gigabytes of addresses.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (limits: { initial: number }) => { buffer: ArrayBuffer } }
}
const wasm = new WebAssembly.Memory({ initial: 1 })

/** Memory of JavaScript that emucxl has nothing to do with. */
export function foreignMemory(): Foreign[] {
  const resizable = new ArrayBuffer(3000, { maxByteLength: 9000 })
  const growable = new SharedArrayBuffer(500, { maxByteLength: 9000 })
  return [
    { name: 'plain', memory: new ArrayBuffer(6000) },
    { name: 'plain too', memory: new ArrayBuffer(300) },
    { name: 'resizable', memory: resizable },
    { name: 'SharedArrayBuffer', memory: new SharedArrayBuffer(5000) },
    { name: 'growable', memory: growable },
    { name: 'WASM memory', memory: wasm.buffer },
    { name: 'of another realm', memory: new ForeignArrayBuffer(2000) },
  ]
}
