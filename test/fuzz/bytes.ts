// Bytes in and out of blocks: read, write, fill, copy, move, and what JavaScript stores by itself.

import type { Address, Bytes } from 'emucxl'
import { closedProblems, type Manner } from './blocks.js'
import type { Access, Operand, Store } from './memory.js'
import type { ContextModel } from './model.js'
import {
  type Argument,
  byteProblems,
  bytesProblems,
  DETACHED,
  FREED,
  left,
  outOfRange,
  type Problem,
  valueFrom,
} from './values.js'
import type { Verdict, World } from './world.js'

/** A part of a store that an operation touches. */
interface Part {
  store: Store
  from: number
  to: number
}

function partOf(operand: Operand, offset: number, size: number): Part | undefined {
  const { handle } = operand
  if (handle === undefined || handle.state !== 'live') return undefined
  const from = operand.offset + offset
  return { store: handle.store, from, to: from + size }
}

function rangeProblems(operand: Operand, offset: number, size: number, name: string): Problem[] {
  return offset + size <= operand.length ? [] : [outOfRange(name)]
}

/** An operation on checked operands: bytes of `from`, or a byte, come to `to`. */
interface Transfer {
  text: string
  verdict: Verdict
  to: Part | undefined
  /** The bytes come from here; none: from nowhere that the model knows. */
  from: Part | undefined
  byte: number | undefined
  /** Memory of JavaScript that is detached meanwhile makes it fail. */
  staged: Operand | undefined
}

/** The bytes that are to be written, and whether they are known. */
function incoming({ from, to, byte }: Transfer): { bytes: Uint8Array; known: boolean } {
  const size = to === undefined ? 0 : to.to - to.from
  if (byte !== undefined) return { bytes: new Uint8Array(size).fill(byte), known: true }
  if (from === undefined) return { bytes: new Uint8Array(size), known: false }
  const racing = from.store.touch(from.from, from.to, false)
  return { bytes: from.store.bytes.slice(from.from, from.to), known: !racing }
}

function now(world: World, transfer: Transfer, invoke: () => void): void {
  const { text, verdict, to } = transfer
  world.call(text, verdict, invoke, () => {
    const { bytes, known } = incoming(transfer)
    if (to === undefined) return
    to.store.touch(to.from, to.to, true)
    to.store.bytes.set(bytes, to.from)
    if (!known) to.store.uncertain.push([to.from, to.to])
    settleUncertain(world, to.store)
  })
}

/** What nobody is writing any more can be read. */
function settleUncertain(world: World, store: Store): void {
  if (store.accesses.some(({ writes }) => writes)) return
  const handle = world.handles.find((h) => h.store === store && h.state === 'live')
  if (handle !== undefined) store.adopt(new Uint8Array(handle.memory))
}

async function later(
  world: World,
  transfer: Transfer,
  manner: Manner,
  start: (signal: { signal?: AbortSignal }) => Promise<unknown>,
): Promise<void> {
  const { verdict, to, from, staged } = transfer
  const begins = verdict.must.length === 0 && manner.abort !== 'before'
  const parts: [Part, Access][] = []
  let tainted = false
  let known = false
  let bytes = new Uint8Array()
  const enter = (part: Part | undefined, operandStaged: boolean, writes: boolean) => {
    if (part === undefined) return
    const gone = operandStaged ? DETACHED : FREED
    const access: Access = {
      from: part.from,
      to: part.to,
      writes,
      taint() {
        tainted = true
      },
      // What a write takes from JavaScript's memory it took when it began.
      revoke() {
        tainted = true
        if (operandStaged && part.from === part.to) verdict.may.push(gone)
        else if (!operandStaged || writes) verdict.must.push(gone)
      },
      overtake() {
        tainted = true
        verdict.may.push(gone)
      },
    }
    part.store.accesses.push(access)
    parts.push([part, access])
  }
  if (begins) {
    const coming = incoming(transfer)
    bytes = coming.bytes as Uint8Array<ArrayBuffer>
    known = coming.known
    if (to?.store.touch(to.from, to.to, true)) tainted = true
    for (const part of [to, from]) {
      const block = world.handles.find((h) => h.store === part?.store)?.block
      if (block?.mover?.overtakes()) {
        verdict.may.push(FREED)
        tainted = true
      }
    }
    enter(from, staged?.handle?.store === from?.store, false)
    enter(to, staged?.handle?.store === to?.store, true)
  }
  const leave = () => {
    for (const [{ store }, access] of parts) {
      store.accesses.splice(store.accesses.indexOf(access), 1)
    }
  }
  world.launch({
    text: transfer.text.replace('(', 'Async('),
    verdict,
    abort: manner.abort,
    stops: false,
    start,
    land() {
      leave()
      if (to === undefined) return
      to.store.bytes.set(bytes, to.from)
      if (tainted || !known) to.store.uncertain.push([to.from, to.to])
    },
    fell() {
      leave()
      if (begins && to !== undefined) to.store.uncertain.push([to.from, to.to])
    },
  })
  if (manner.how === 'async') await world.settle()
}

/** read and write: the offset counts in the block, and the buffer is any memory. */
export async function readOrWrite(
  world: World,
  method: 'read' | 'write',
  context: ContextModel,
  address: Operand,
  offsetArgument: Argument,
  buffer: Operand,
  sizeArgument: Argument | null,
  manner: Manner,
): Promise<void> {
  const { face } = context
  const offset = valueFrom(offsetArgument, address.length) as number
  const fitting = Math.min(left(address.length, offset), buffer.length)
  const asked = sizeArgument === null ? undefined : valueFrom(sizeArgument, fitting)
  const size = (asked ?? (asked === null ? null : buffer.length)) as number
  const verdict: Verdict = {
    must: [
      ...closedProblems(context),
      ...bytesProblems(offset, 'offset', 0),
      ...bytesProblems(size, 'size', 0),
      ...address.addressProblems,
      ...buffer.bufferProblems,
    ],
    may: [],
  }
  if (asked === undefined && isBare(buffer)) return
  if (verdict.must.length === 0) {
    verdict.must.push(
      ...rangeProblems(address, offset, size, 'address'),
      ...rangeProblems(buffer, 0, size, 'buffer'),
    )
  }
  const valid = verdict.must.length === 0
  const inside = valid ? partOf(address, offset, size) : undefined
  const outside = valid ? partOf(buffer, 0, size) : undefined
  const transfer: Transfer = {
    text: `${context.name}.${method}(${address.text}, ${String(offset)}, ${buffer.text}, ${String(size)})`,
    verdict,
    to: method === 'read' ? outside : inside,
    from: method === 'read' ? inside : outside,
    byte: undefined,
    staged: buffer.handle?.block === undefined ? buffer : undefined,
  }
  const a = address.value as Address
  const b = buffer.value as Bytes
  const { cxl } = face
  if (manner.how === 'sync' || cxl === undefined) {
    now(world, transfer, () => face[method](a, offset, b, asked as number | undefined))
    return
  }
  await later(world, transfer, manner, (signal) =>
    method === 'read'
      ? cxl.readAsync(a, offset, b, asked as number | undefined, signal)
      : cxl.writeAsync(a, offset, b, asked as number | undefined, signal),
  )
}

/** A view without a prototype has no byteLength that could be a default. */
const isBare = (operand: Operand): boolean => operand.text.startsWith('no prototype')

export async function fill(
  world: World,
  context: ContextModel,
  address: Operand,
  valueArgument: Argument,
  offsetArgument: Argument,
  sizeArgument: Argument | null,
  manner: Manner,
): Promise<void> {
  const { face } = context
  const { cxl } = face
  const value = valueFrom(valueArgument) as number
  const offset =
    cxl === undefined ? 0 : (valueFrom(offsetArgument, address.length) as number | undefined)
  const at = offset === undefined ? 0 : offset
  const asked =
    sizeArgument === null ? undefined : valueFrom(sizeArgument, left(address.length, at))
  const wrongOffset = bytesProblems(at, 'offset', 0)
  const rest = wrongOffset.length === 0 ? Math.max(0, address.length - at) : 0
  const size = (asked === undefined ? rest : asked) as number
  if (asked === undefined && isBare(address)) return
  const verdict: Verdict = {
    must: [
      ...closedProblems(context),
      ...byteProblems(value),
      ...wrongOffset,
      ...bytesProblems(size, 'size', 0),
      ...address.addressProblems,
    ],
    may: [],
  }
  if (verdict.must.length === 0) {
    verdict.must.push(...rangeProblems(address, at, size, 'address'))
  }
  const transfer: Transfer = {
    text: `${context.name}.fill(${address.text}, ${String(value)}, ${String(offset)}, ${String(asked)})`,
    verdict,
    to: verdict.must.length === 0 ? partOf(address, at, size) : undefined,
    from: undefined,
    byte: typeof value === 'number' ? value & 255 : 0,
    staged: undefined,
  }
  const a = address.value as Address
  if (manner.how === 'sync' || cxl === undefined) {
    now(world, transfer, () => face.fill(a, value, offset as number, asked as number | undefined))
    return
  }
  await later(world, transfer, manner, (signal) =>
    cxl.fillAsync(a, value, offset, asked as number | undefined, signal),
  )
}

/** copy and move, between blocks or inside one. */
export async function copyOrMove(
  world: World,
  method: 'copy' | 'move',
  context: ContextModel,
  to: Operand,
  toOffsetArgument: Argument,
  from: Operand,
  fromOffsetArgument: Argument,
  sizeArgument: Argument,
  manner: Manner,
): Promise<void> {
  const { face } = context
  const { cxl } = face
  const toOffset = cxl === undefined ? 0 : (valueFrom(toOffsetArgument, to.length) as number)
  const fromOffset = cxl === undefined ? 0 : (valueFrom(fromOffsetArgument, from.length) as number)
  const fitting = Math.min(left(to.length, toOffset), left(from.length, fromOffset))
  const size = valueFrom(sizeArgument, fitting) as number
  const verdict: Verdict = {
    must: [
      ...closedProblems(context),
      ...bytesProblems(toOffset, 'toOffset', 0),
      ...bytesProblems(fromOffset, 'fromOffset', 0),
      ...bytesProblems(size, 'size', 0),
      ...to.addressProblems,
      ...from.addressProblems,
    ],
    may: [],
  }
  if (verdict.must.length === 0) {
    verdict.must.push(
      ...rangeProblems(to, toOffset, size, 'to'),
      ...rangeProblems(from, fromOffset, size, 'from'),
    )
  }
  let target: Part | undefined
  let source: Part | undefined
  if (verdict.must.length === 0) {
    target = partOf(to, toOffset, size)
    source = partOf(from, fromOffset, size)
    const overlap =
      target !== undefined &&
      target.store === source?.store &&
      target.from < source.to &&
      source.from < target.to
    if (overlap && method === 'copy') verdict.must.push(outOfRange('overlap'))
  }
  const transfer: Transfer = {
    text: `${context.name}.${method}(${to.text}, ${String(toOffset)}, ${from.text}, ${String(fromOffset)}, ${String(size)})`,
    verdict,
    to: target,
    from: source,
    byte: undefined,
    staged: undefined,
  }
  const t = to.value as Address
  const f = from.value as Address
  if (manner.how === 'sync' || cxl === undefined) {
    now(world, transfer, () => face[method](t, toOffset, f, fromOffset, size))
    return
  }
  await later(world, transfer, manner, (signal) =>
    method === 'copy'
      ? cxl.copyAsync(t, toOffset, f, fromOffset, size, signal)
      : cxl.moveAsync(t, toOffset, f, fromOffset, size, signal),
  )
}

/** JavaScript stores bytes through a view, without a call. */
export function poke(world: World, operand: Operand, byte: number): void {
  const { handle } = operand
  const part = partOf(operand, 0, operand.length)
  if (handle === undefined || part === undefined) return
  world.transcript.push(`store ${byte} to ${operand.text}`)
  handle.view.fill(byte, part.from, part.to)
  part.store.touch(part.from, part.to, true)
  part.store.bytes.fill(byte, part.from, part.to)
  settleUncertain(world, part.store)
}
