// How a block comes and goes: alloc and free.

import type { Address, AllocOptions } from 'emucxl'
import { hasModule } from './device.js'
import { type AnyBuffer, type Handle, type Operand, Store, wrapsShared } from './memory.js'
import { type Block, type ContextModel, isVast, mappedOf } from './model.js'
import {
  type Argument,
  BLOCK_OPTIONS,
  type BlockOptionsName,
  blockSizeProblems,
  CLOSED,
  LOCK_LIMIT,
  NO_MEMORY,
  nodeProblems,
  optionsProblems,
  outOfRange,
  type Problem,
  UNSUPPORTED,
  valueFrom,
} from './values.js'
import { expectEqual, type Verdict, type World } from './world.js'

/** How a call with an async twin is made; `flying`: what follows does not wait for it. */
export interface Manner {
  readonly how: 'sync' | 'async' | 'flying'
  readonly abort: 'no' | 'before' | 'now' | 'later'
}

export const closedProblems = (context: ContextModel): Problem[] => (context.open ? [] : [CLOSED])

/** The memory of a block goes, which was freed as `through`. */
export function retire(block: Block, through: Handle | undefined): void {
  for (const access of block.store.accesses) access.revoke()
  block.mover?.revoke()
  bury(block, through)
}

export function bury(block: Block, through: Handle | undefined): void {
  const written = !block.store.certain
  for (const handle of block.handles) {
    if (handle.state !== 'live') continue
    const detaches = handle === through && !(block.shared && wrapsShared)
    handle.state = detaches ? 'detached' : 'zeros'
    handle.dirty = written
  }
  block.life = 'freed'
  block.context.blocks.delete(block)
}

/**
 * As `retire`, where the memory goes off the main thread: until then other buffers over it still show
 * what was there. Returns what to call then.
 */
export function retireLater(block: Block, through: Handle | undefined): () => void {
  retire(block, through)
  const clean = block.handles.filter(({ state, dirty }) => state === 'zeros' && !dirty)
  for (const handle of clean) handle.dirty = true
  return () => {
    for (const handle of clean) handle.dirty = false
  }
}

/** What is wrong with an address that has to be the start of its block. */
export function startProblems(operand: Operand): Problem[] {
  if (operand.addressProblems.length !== 0) return operand.addressProblems
  return operand.offset === 0 ? [] : [outOfRange('address')]
}

/** The block that an operand is an address of. */
export function blockOf(operand: Operand): Block | undefined {
  return operand.addressProblems.length === 0 ? operand.handle?.block : undefined
}

/** Options that are no object stay what they are. */
function withSignal(options: unknown, signal: { signal?: AbortSignal }): AllocOptions {
  const none = options === undefined
  const extends_ = none || (typeof options === 'object' && options !== null)
  return (extends_ ? { ...(options as AllocOptions), ...signal } : options) as AllocOptions
}

/** Whether a booking surely fails, or may fail. */
export function roomProblems(verdict: Verdict, fits: { can: boolean; must: boolean }): void {
  if (!fits.can) verdict.must.push(NO_MEMORY)
  else if (!fits.must) verdict.may.push(NO_MEMORY)
}

export async function alloc(
  world: World,
  context: ContextModel,
  sizeArgument: Argument,
  nodeArgument: Argument,
  optionsName: BlockOptionsName,
  manner: Manner,
): Promise<void> {
  const { cxl } = context.face
  const size = valueFrom(sizeArgument) as number
  const node = valueFrom(nodeArgument) as number
  const mapped = mappedOf(size)
  if (isVast(size) && context.fits(node, mapped).can) return
  let name = cxl === undefined ? 'none' : optionsName
  // Whether the pool has huge pages is not for the model to say: a node too small for one is.
  if (name === 'require' && (context.capacities[node] ?? 0) >= 2 ** 21) name = 'prefer'
  const options = BLOCK_OPTIONS[name] as AllocOptions | undefined
  const huge = name === 'prefer' || name === 'require'
  const locked = options?.lock ?? context.locked
  const shared = options?.shared ?? false
  const verdict: Verdict = {
    must: [
      ...closedProblems(context),
      ...blockSizeProblems(size),
      ...nodeProblems(node, context.capacities.length),
      ...optionsProblems(name),
    ],
    may: locked ? [LOCK_LIMIT] : [],
  }
  if (huge && cxl?.backend === 'device' && !hasModule) verdict.must.push(UNSUPPORTED)
  const valid = verdict.must.length === 0
  if (name === 'require') verdict.must.push(NO_MEMORY)
  const text = `${context.name}.alloc(${String(size)}, ${String(node)}, ${name})`

  const land = (value: unknown) => {
    const memory = value as AnyBuffer
    const wanted = shared && wrapsShared ? SharedArrayBuffer : ArrayBuffer
    expectEqual(memory instanceof wanted, true, `${text} is a ${wanted.name}`)
    const block: Block = {
      context,
      size,
      mapped,
      shared,
      locked,
      hugePages: name === 'prefer' ? 'prefer' : 'off',
      store: new Store(new Uint8Array(size)),
      handles: [],
      original: undefined,
      node,
      life: 'live',
      mover: undefined,
      strewn: false,
    }
    const handle = world.enter(block, memory)
    world.transcript.push(`    is ${handle.name}`)
  }

  if (manner.how === 'sync' || cxl === undefined) {
    if (valid) roomProblems(verdict, context.fits(node, mapped))
    world.call(text, verdict, () => context.face.alloc(size, node, options), land)
    return
  }
  const key = {}
  if (valid && manner.abort !== 'before') context.charges.set(key, { node, mapped })
  world.launch({
    text: text.replace('alloc', 'allocAsync'),
    verdict,
    abort: manner.abort,
    stops: true,
    start: (signal) => cxl.allocAsync(size, node, withSignal(options, signal)),
    decide() {
      context.charges.delete(key)
      if (!context.open) verdict.must.push(CLOSED)
      const booked = context.extremes[node]
      if (!valid || booked === undefined || manner.abort === 'before') return
      // What it booked itself is among the most that was booked.
      roomProblems(verdict, {
        can: context.fits(node, mapped, 0, booked).can,
        must: booked.high <= (context.capacities[node] as number),
      })
    },
    land,
  })
  if (manner.how === 'async') await world.settle()
}

export async function free(
  world: World,
  context: ContextModel,
  operand: Operand,
  manner: Manner,
): Promise<void> {
  const { cxl } = context.face
  const verdict: Verdict = {
    must: [...closedProblems(context), ...startProblems(operand)],
    may: [],
  }
  const block = blockOf(operand)
  const address = operand.value as Address
  const done = () => {
    if (block === undefined || operand.handle === undefined) throw new Error('freed nothing')
    world.unshare(block)
    return manner.how === 'sync' || cxl === undefined
      ? retire(block, operand.handle)
      : retireLater(block, operand.handle)
  }
  if (manner.how === 'sync' || cxl === undefined) {
    const text = `${context.name}.free(${operand.text})`
    world.call(text, verdict, () => context.face.free(address), done)
    return
  }
  const valid = verdict.must.length === 0 && manner.abort !== 'before'
  let wiped: (() => void) | undefined
  world.launch({
    text: `${context.name}.freeAsync(${operand.text})`,
    verdict,
    abort: manner.abort,
    stops: false,
    start(signal) {
      const work = cxl.freeAsync(address, signal)
      if (valid) wiped = done() ?? undefined // at once, for JavaScript
      return work
    },
    land: () => wiped?.(),
  })
  if (manner.how === 'async') await world.settle()
}
