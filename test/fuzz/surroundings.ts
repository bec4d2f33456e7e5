// What is around the blocks: contexts, capacities, sharing; and what JavaScript does to buffers
// without a call: transfers, drops, garbage collection.

import { setImmediate as turn } from 'node:timers/promises'
import { Emucxl, type SharedHandle } from 'emucxl'
import { closedProblems, retireLater } from './blocks.js'
import { openContext, openDefault } from './face.js'
import { type AnyBuffer, Handle, type Operand, Store } from './memory.js'
import { type Block, ContextModel, PAGE } from './model.js'
import {
  type Argument,
  bytesProblems,
  failure,
  nodeProblems,
  outOfRange,
  type Problem,
  valueFrom,
  wrongType,
} from './values.js'
import { expectEqual, type World } from './world.js'

export interface OpenCommand {
  /** Pages of capacity, by node. */
  readonly pages: readonly number[]
  readonly lock: boolean
  readonly hideFromGc: boolean
  /** By emucxl_init, as the default context. */
  readonly standard: boolean
}

const MOST_CONTEXTS = 4

export function open(world: World, command: OpenCommand): void {
  const isOpen = (c: ContextModel) => c.open && c.face.cxl === undefined
  const opens = world.contexts.filter((c) => c.open).length
  const standard = command.standard && world.contexts.length !== 0
  if (opens >= MOST_CONTEXTS && !standard) return
  const capacities = command.pages.map((pages) => pages * PAGE)
  const [local = 0, ...remote] = capacities
  const numaNodes = [world.numaNodes.local, ...remote.map(() => world.numaNodes.remote)]
  const options = {
    ...world.backendOptions,
    local: world.numaNodes.local,
    remote: remote.map(() => world.numaNodes.remote),
    capacity: { local, remote },
    lock: command.lock,
    hideFromGc: command.hideFromGc,
  }
  const name = standard ? 'default' : world.name('c')
  const again = standard && world.contexts.some(isOpen)
  world.call(
    `${name} = open(${capacities.join(', ')}${command.lock ? ', lock' : ''})`,
    { must: again ? [failure('ERR_EMUCXL_OPEN')] : [], may: [] },
    () => (standard ? openDefault(options) : openContext(options)),
    (face) => {
      const context = new ContextModel(name, face, numaNodes, capacities, command.lock)
      // The functions speak of the new default context from now on.
      const former = standard ? world.contexts.findIndex((c) => c.face.cxl === undefined) : -1
      if (former >= 0) world.contexts[former] = context
      else world.contexts.push(context)
    },
  )
}

export async function close(
  world: World,
  context: ContextModel,
  how: 'close' | 'dispose' | 'closeAsync' | 'asyncDispose',
): Promise<void> {
  const { cxl } = context.face
  const closed = (): (() => void)[] => {
    context.open = false
    return [...context.blocks].map((block) => {
      world.unshare(block)
      return retireLater(block, block.original)
    })
  }
  const now = () => {
    for (const done of closed()) done()
  }
  const fine = { must: [], may: [] }
  if (cxl === undefined) {
    // emucxl_exit may be called twice, but a new default context may be open by now.
    if (!context.open) return
    world.call('emucxl_exit()', fine, () => context.face.close(), now)
    return
  }
  if (how === 'close' || how === 'dispose') {
    const invoke = () => (how === 'close' ? cxl.close() : cxl[Symbol.dispose]())
    world.call(`${context.name}.${how}()`, fine, invoke, now)
    return
  }
  let wiped: (() => void)[] = []
  world.launch({
    text: `${context.name}.${how}()`,
    verdict: { must: [], may: [] },
    abort: 'no',
    stops: false,
    start() {
      const work = how === 'closeAsync' ? cxl.closeAsync() : cxl[Symbol.asyncDispose]()
      wiped = closed() // at once, for JavaScript
      return work
    },
    land() {
      for (const done of wiped) done()
    },
  })
}

export function setCapacity(
  world: World,
  context: ContextModel,
  nodeArgument: Argument,
  bytesArgument: Argument,
): void {
  const { cxl } = context.face
  if (cxl === undefined) return
  const node = valueFrom(nodeArgument) as number
  const bytes = valueFrom(bytesArgument) as number
  const must = [
    ...closedProblems(context),
    ...nodeProblems(node, context.capacities.length),
    ...bytesProblems(bytes, 'bytes', 0),
  ]
  world.call(
    `${context.name}.setCapacity(${String(node)}, ${String(bytes)})`,
    { must, may: [] },
    () => cxl.setCapacity(node, bytes),
    () => {
      context.capacities[node] = bytes
    },
  )
}

/** stats with any node; mappings. */
export function account(world: World, context: ContextModel, nodeArgument: Argument): void {
  const node = valueFrom(nodeArgument) as number
  const must = [...closedProblems(context), ...nodeProblems(node, context.capacities.length)]
  const { cxl } = context.face
  const text = `${context.name}.stats(${String(node)})`
  world.call(
    text,
    { must, may: [] },
    () => context.face.allocated(node),
    () => {},
  )
  if (cxl === undefined) return
  const verdict = { must: closedProblems(context), may: [] }
  world.call(
    `${context.name}.mappings()`,
    verdict,
    () => cxl.mappings(),
    () => {},
  )
}

/** Another buffer over a shared block. */
export function share(world: World, context: ContextModel, operand: Operand): void {
  const { cxl } = context.face
  if (cxl === undefined) return
  const block = operand.addressProblems.length === 0 ? operand.handle?.block : undefined
  const must: Problem[] = [...closedProblems(context), ...operand.addressProblems]
  if (block !== undefined && operand.offset !== 0) must.push(outOfRange('address'))
  if (block?.shared === false) must.push(failure('ERR_EMUCXL_NOT_SHARED'))
  let shared: SharedHandle | undefined
  world.call(
    `${context.name}.share(${operand.text})`,
    { must, may: [] },
    () => cxl.share(operand.value as ArrayBuffer),
    (value) => {
      shared = value
    },
  )
  if (shared === undefined || block === undefined) return
  expectEqual(shared.size, block.size, 'size of the handle')
  world.shareNumbers.set(block, shared.emucxlRegion)
  const { emucxlRegion, size } = shared
  world.call(
    'Emucxl.attach(handle)',
    { must: [], may: [] },
    () => Emucxl.attach({ emucxlRegion, size }),
    (memory) => {
      const handle = new Handle(memory as AnyBuffer, block.store, world.name('b'), block)
      block.handles.push(handle)
      world.handles.push(handle)
      world.transcript.push(`    is ${handle.name}`)
    },
  )
}

/** attach with the number of a region that was freed, or with none. */
export function attachStale(world: World, pick: number, argument: Argument): void {
  const stale = world.stale[pick % Math.max(1, world.stale.length)]
  const value = stale === undefined ? valueFrom(argument) : stale
  const must: Problem[] =
    typeof value !== 'number'
      ? [wrongType('handle')]
      : Number.isSafeInteger(value) && value >= 1
        ? [failure('ERR_EMUCXL_FREED')]
        : [outOfRange('handle.emucxlRegion')]
  // A small number could be that of a region that lives.
  if (stale === undefined && typeof value === 'number' && value < 2 ** 40 && value >= 1) return
  world.call(
    `Emucxl.attach(${String(value)})`,
    { must, may: [] },
    () => Emucxl.attach({ emucxlRegion: value as number, size: 1 }),
    () => {},
  )
}

const transferOf = (
  ArrayBuffer.prototype as { transfer?: (this: ArrayBuffer, length?: number) => ArrayBuffer }
).transfer

/** The memory of an ArrayBuffer moves to another one; with another length its bytes are copied. */
export function transfer(world: World, operand: Operand, newLength: number | null): void {
  const { handle } = operand
  if (handle === undefined || handle.state !== 'live') return
  const { memory, block, store } = handle
  if (!(memory instanceof ArrayBuffer) || handle.name === 'WASM memory') return
  if (handle.name === 'of another realm' || transferOf === undefined) return
  const most = memory.resizable ? memory.maxByteLength : Number.POSITIVE_INFINITY
  const length = Math.min(newLength ?? memory.byteLength, most)
  world.transcript.push(`${handle.name}.transfer(${length})`)
  const next = transferOf.call(memory, length)
  handle.state = 'detached'
  if (block === undefined) {
    for (const access of store.accesses) access.revoke()
    takeCopy(world, store, next, `${handle.name}'`)
    return
  }
  block.mover?.transferred()
  if (length === block.size) {
    const moved = new Handle(next, store, world.name('b'), block)
    block.handles.push(moved)
    world.handles.push(moved)
    world.transcript.push(`    is ${moved.name}`)
    return
  }
  block.life = 'stranded'
  takeCopy(world, store, next, world.name('copy'))
}

/** The bytes of a store have come to a buffer of JavaScript's own, now. */
function takeCopy(world: World, from: Store, memory: ArrayBuffer, name: string): void {
  const bytes = new Uint8Array(memory.byteLength)
  if (from.certain) {
    bytes.set(from.bytes.subarray(0, Math.min(from.bytes.length, bytes.length)))
  } else {
    bytes.set(new Uint8Array(memory))
  }
  world.handles.push(new Handle(memory, new Store(bytes), name))
}

/** `structuredClone` with a transfer: Node.js refuses, or copies, what an addon has made. */
export function clone(world: World, operand: Operand): void {
  const { handle } = operand
  if (handle === undefined || handle.state !== 'live') return
  const { memory, block, store } = handle
  if (block === undefined || !(memory instanceof ArrayBuffer)) return
  world.transcript.push(`structuredClone(${handle.name}, { transfer })`)
  let copy: ArrayBuffer | undefined
  try {
    copy = structuredClone(memory, { transfer: [memory] })
  } catch {
    return // DataCloneError: nothing has happened
  }
  if (memory.byteLength !== 0) return // Node.js 20 copies
  handle.state = 'detached'
  block.mover?.transferred()
  const moved = new Handle(copy, store, world.name('b'), block)
  block.handles.push(moved)
  world.handles.push(moved)
  world.transcript.push(`    is ${moved.name}`)
}

/** A resizable buffer of JavaScript's changes its length. */
export function resizeForeign(world: World, length: number): void {
  const handle = world.handles.find(({ name, state }) => name === 'resizable' && state === 'live')
  if (handle === undefined) return
  const to = Math.min(length, 9000)
  world.transcript.push(`resizable.resize(${to})`)
  for (const access of handle.store.accesses) if (access.to > to) access.overtake()
  ;(handle.memory as ArrayBuffer).resize(to)
  const bytes = new Uint8Array(to)
  bytes.set(handle.store.bytes.subarray(0, Math.min(to, handle.store.bytes.length)))
  handle.store.bytes = bytes
}

function lifeOf(world: World, block: Block): Block['life'] {
  if (block.handles.some(({ state }) => state === 'live')) return 'live'
  const held = block.original !== undefined && world.handles.includes(block.original)
  return held ? 'stranded' : 'dropped'
}

/** JavaScript forgets a buffer. Nothing may be under way. */
export function drop(world: World, operand: Operand): void {
  const { handle } = operand
  if (handle === undefined) return
  const { block } = handle
  if (block === undefined) return
  world.transcript.push(`drop ${handle.name}`)
  world.handles = world.handles.filter((other) => other !== handle)
  block.handles = block.handles.filter((other) => other !== handle)
  if (block.life === 'freed') return
  block.life = lifeOf(world, block)
  if (block.life === 'dropped') block.original = undefined
}

const { gc } = globalThis as { gc?: () => void }
const MOST_COLLECTIONS = 20

/** What was dropped is collected, and leaves the accounts. Nothing may be under way. */
export async function collect(world: World): Promise<void> {
  if (gc === undefined) return
  const dropped = world.contexts.flatMap((context) =>
    context.open && context.face.cxl !== undefined
      ? [...context.blocks].filter(({ life }) => life === 'dropped')
      : [],
  )
  if (dropped.length === 0) return
  world.transcript.push('collect garbage')
  for (const block of dropped) block.context.blocks.delete(block)
  for (let round = 1; ; round++) {
    gc()
    await turn()
    try {
      world.check()
      return
    } catch (error) {
      if (round === MOST_COLLECTIONS) throw error
    }
  }
}
