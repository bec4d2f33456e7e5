// What takes a block elsewhere: resize and migrate.

import type { Address, MigrateResult } from 'emucxl'
import {
  blockOf,
  bury,
  closedProblems,
  type Manner,
  retire,
  roomProblems,
  startProblems,
} from './blocks.js'
import { type AnyBuffer, type Operand, Store } from './memory.js'
import { type Block, type ContextModel, isVast, mappedOf, PAGE } from './model.js'
import {
  type Argument,
  BUSY,
  blockSizeProblems,
  CLOSED,
  DETACHED,
  FREED,
  failure,
  LOCK_LIMIT,
  nodeProblems,
  valueFrom,
} from './values.js'
import { expectEqual, type Verdict, type World } from './world.js'

const SHARED = failure('ERR_EMUCXL_SHARED')

export async function resize(
  world: World,
  context: ContextModel,
  operand: Operand,
  sizeArgument: Argument,
  manner: Manner,
): Promise<void> {
  const { cxl } = context.face
  const size = valueFrom(sizeArgument) as number
  const mapped = mappedOf(size)
  const block = blockOf(operand)
  const growth = block === undefined ? 0 : Math.max(0, mapped - block.mapped)
  if (isVast(size) && block?.context.fits(block.node, mapped, block.mapped).can) return
  const verdict: Verdict = {
    must: [...closedProblems(context), ...blockSizeProblems(size), ...startProblems(operand)],
    may: block?.locked ? [LOCK_LIMIT] : [],
  }
  if (block?.shared) verdict.must.push(SHARED)
  if (block?.mover !== undefined) verdict.must.push(BUSY)
  const valid = verdict.must.length === 0
  const key = {}
  const address = operand.value as Address
  const text = `${context.name}.resize(${operand.text}, ${String(size)})`
  let began = false
  let tainted = false

  const land = (value: unknown) => {
    if (block === undefined) throw new Error('resized nothing')
    const kept = Math.min(size, block.size)
    const bytes = new Uint8Array(size)
    bytes.set(block.store.bytes.subarray(0, kept))
    const store = new Store(bytes)
    if (tainted || !block.store.certain) store.uncertain.push([0, kept])
    const { node, context: owner, shared, locked, hugePages } = block
    block.mover = undefined
    // Off the main thread, what was under way may have ended before.
    if (began) bury(block, operand.handle)
    else retire(block, operand.handle)
    const fresh: Block = {
      context: owner,
      size,
      mapped,
      shared,
      locked,
      hugePages,
      store,
      handles: [],
      original: undefined,
      node,
      life: 'live',
      mover: undefined,
      strewn: block.strewn,
    }
    const handle = world.enter(fresh, value as AnyBuffer)
    world.transcript.push(`    ${operand.text} is ${handle.name} now`)
  }

  if (manner.how === 'sync' || cxl === undefined) {
    if (valid && block !== undefined) {
      roomProblems(verdict, block.context.fits(block.node, mapped, block.mapped))
      // What it takes more is booked for the time of the call, also where the call fails.
      block.context.charges.set(key, { node: block.node, mapped: growth })
      world.note()
    }
    world.call(text, verdict, () => context.face.resize(address, size), land)
    block?.context.charges.delete(key)
    return
  }
  if (valid && block !== undefined && manner.abort !== 'before') {
    began = true
    block.context.charges.set(key, { node: block.node, mapped: growth })
    block.mover = {
      node: undefined,
      revoke: () => verdict.must.push(FREED, CLOSED),
      transferred: () => verdict.must.push(DETACHED),
      overtakes() {
        tainted = true
        return true
      },
    }
    for (const access of block.store.accesses) {
      access.overtake()
      tainted = true
    }
  }
  world.launch({
    text: text.replace('resize', 'resizeAsync'),
    verdict,
    abort: manner.abort,
    stops: true,
    start: (signal) => cxl.resizeAsync(address, size, signal),
    decide() {
      if (!valid || block === undefined || manner.abort === 'before') return
      block.context.charges.delete(key)
      if (block.life === 'live') block.mover = undefined
      const booked = block.context.extremes[block.node]
      if (booked === undefined) return
      roomProblems(verdict, {
        can: block.context.fits(block.node, mapped, block.mapped, booked).can,
        must: growth === 0 || booked.high <= (block.context.capacities[block.node] as number),
      })
    },
    land,
  })
  if (manner.how === 'async') await world.settle()
}

export async function migrate(
  world: World,
  context: ContextModel,
  operand: Operand,
  nodeArgument: Argument,
  manner: Manner,
): Promise<void> {
  const { cxl } = context.face
  const node = valueFrom(nodeArgument) as number
  const block = blockOf(operand)
  const verdict: Verdict = {
    must: [
      ...closedProblems(context),
      ...nodeProblems(node, context.capacities.length),
      ...startProblems(operand),
    ],
    may: [],
  }
  if (block !== undefined) {
    const nodes = block.context.capacities.length
    if (verdict.must.length === 0) verdict.must.push(...nodeProblems(node, nodes))
    if (block.mover !== undefined) verdict.must.push(BUSY)
  }
  const valid = verdict.must.length === 0
  const address = operand.value as Address
  const text = `${context.name}.migrate(${operand.text}, ${String(node)})`

  const land = (value: unknown) => {
    if (block === undefined) throw new Error('migrated nothing')
    if (value !== undefined) {
      const { moved, failed, untouched } = value as MigrateResult
      const pages = world.backend === 'emulated' && node === block.node ? 0 : block.mapped / PAGE
      expectEqual(moved + failed + untouched, pages, `pages of ${text}`)
      expectEqual(Math.min(moved, failed, untouched) >= 0, true, `pages of ${text}`)
      block.strewn ||= failed > 0
    }
    block.node = node
  }

  const elsewhere = block !== undefined && node !== block.node
  if (manner.how === 'sync' || cxl === undefined) {
    if (valid && elsewhere) roomProblems(verdict, block.context.fits(node, block.mapped))
    world.call(text, verdict, () => context.face.migrate(address, node), land)
    return
  }
  const key = {}
  if (valid && block !== undefined && manner.abort !== 'before') {
    if (valid && elsewhere) block.context.charges.set(key, { node, mapped: block.mapped })
    block.mover = {
      node,
      revoke: () => verdict.must.push(FREED, CLOSED),
      transferred() {},
      overtakes: () => false,
    }
  }
  world.launch({
    text: text.replace('migrate', 'migrateAsync'),
    verdict,
    abort: manner.abort,
    stops: false,
    start: (signal) => cxl.migrateAsync(address, node, signal),
    decide() {
      if (!valid || block === undefined || manner.abort === 'before') return
      block.context.charges.delete(key)
      block.mover = undefined
      const booked = block.context.extremes[node]
      if (!elsewhere || booked === undefined) return
      roomProblems(verdict, {
        can: block.context.fits(node, block.mapped, 0, booked).can,
        must: booked.high <= (block.context.capacities[node] as number),
      })
    },
    land,
  })
  if (manner.how === 'async') await world.settle()
}
