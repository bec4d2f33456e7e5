// What emucxl should do, in plain JavaScript: contexts, blocks, and the account of each node.

import type { Mapping, NodeStats } from 'emucxl'
import type { Face } from './face.js'
import type { Handle, Store } from './memory.js'

export const PAGE = 4096

/** Bytes of the pages of a block; NaN for what is no size. */
export const mappedOf = (size: unknown): number =>
  typeof size === 'number' ? Math.ceil(size / PAGE) * PAGE : Number.NaN

/** Sizes that a node may have room for by its capacity, and that no model can hold. */
export const isVast = (size: unknown): boolean =>
  typeof size === 'number' && size > 2 ** 28 && size <= 2 ** 47

/** One region. */
export interface Block {
  readonly context: ContextModel
  readonly size: number
  readonly mapped: number
  readonly shared: boolean
  readonly locked: boolean
  readonly hugePages: 'off' | 'prefer'
  readonly store: Store
  /** Every buffer over it that is reachable. */
  handles: Handle[]
  /** The one that alloc or resize returned. */
  original: Handle | undefined
  node: number
  /**
   * `stranded`: JavaScript copied its bytes away by a transfer, the region waits for the collection
   * of the old buffer. `dropped`: no buffer is reachable, the region is booked until it is collected.
   */
  life: 'live' | 'stranded' | 'dropped' | 'freed'
  /** What is under way. */
  mover: Mover | undefined
  /** A migrate left pages behind, and said so. */
  strewn: boolean
}

/** A migrate or resize that is under way. */
export interface Mover {
  /** Of a migrate: where to. */
  readonly node: number | undefined
  /** The block was freed, or its context closed. */
  revoke(): void
  /** Its buffer was transferred. */
  transferred(): void
  /** An operation over its bytes begins: true where it may end before the block goes, or after. */
  overtakes(): boolean
}

export class ContextModel {
  readonly name: string
  readonly face: Face
  /** By the numbers of emucxl. */
  readonly numaNodes: readonly number[]
  readonly capacities: number[]
  /** `lock` of its options: what a block is that does not say. */
  readonly locked: boolean
  readonly blocks = new Set<Block>()
  /** Pages that operations under way may have booked on a node already. */
  readonly charges = new Map<object, { node: number; mapped: number }>()
  /** Over the time that operations are under way: the least and the most that was booked. */
  extremes: { low: number; high: number }[] = []
  open = true

  constructor(
    name: string,
    face: Face,
    numaNodes: readonly number[],
    capacities: number[],
    locked: boolean,
  ) {
    this.name = name
    this.face = face
    this.numaNodes = numaNodes
    this.capacities = capacities
    this.locked = locked
  }

  /** Bytes of pages that are surely, and that are perhaps, booked on a node. */
  booked(node: number): { low: number; high: number } {
    let low = 0
    let high = 0
    for (const block of this.blocks) {
      if (block.node !== node) continue
      high += block.mapped
      if (block.life !== 'dropped' && block.mover === undefined) low += block.mapped
    }
    for (const charge of this.charges.values()) if (charge.node === node) high += charge.mapped
    return { low, high }
  }

  /** Notes what is booked now, while operations are under way. */
  note(): void {
    this.extremes = this.capacities.map((_, node) => {
      const now = this.booked(node)
      const before = this.extremes[node] ?? now
      return { low: Math.min(before.low, now.low), high: Math.max(before.high, now.high) }
    })
  }

  /**
   * Whether `mapped` more bytes fit on a node, of which `credit` are given back: by what is surely
   * booked (`can`), and by what is perhaps booked (`must`).
   */
  fits(
    node: number,
    mapped: number,
    credit = 0,
    booked = this.booked(node),
  ): { can: boolean; must: boolean } {
    const room = (this.capacities[node] as number) + credit
    const none = mapped <= credit
    return { can: none || booked.low + mapped <= room, must: none || booked.high + mapped <= room }
  }
}

/** Throws unless a node's account says what the model says. */
export function checkStats(context: ContextModel, node: number, stats: NodeStats): void {
  const sum = { least: [0, 0, 0], most: [0, 0, 0] }
  for (const block of context.blocks) {
    if (block.node !== node) continue
    for (const [i, amount] of [block.size, block.mapped, 1].entries()) {
      sum.most[i] = (sum.most[i] as number) + amount
      if (block.life !== 'dropped') sum.least[i] = (sum.least[i] as number) + amount
    }
  }
  const found = [stats.allocated, stats.mapped, stats.regions]
  for (const [i, name] of ['allocated', 'mapped', 'regions'].entries()) {
    const amount = found[i] as number
    const [least, most] = [sum.least[i] as number, sum.most[i] as number]
    if (amount < least || amount > most) {
      const wanted = least === most ? String(most) : `${least} to ${most}`
      throw new Error(`${context.name}: ${name} of node ${node} is ${amount}, should be ${wanted}`)
    }
  }
  const capacity = context.capacities[node] as number
  if (stats.capacity !== capacity || stats.available !== Math.max(0, capacity - stats.mapped)) {
    throw new Error(
      `${context.name}: node ${node} has capacity ${stats.capacity} and ${stats.available} ` +
        `available, should be ${capacity}, less what is mapped`,
    )
  }
  for (const { ranges, bytes } of [stats.pending, stats.reserved, stats.idle]) {
    if (ranges < 0 || bytes < ranges * PAGE || (ranges === 0 && bytes !== 0)) {
      throw new Error(`${context.name}: node ${node} counts ${ranges} ranges of ${bytes} bytes`)
    }
  }
}

const rowOf = (row: Omit<Mapping, 'numaNode' | 'pageSize'>): string =>
  [row.node, row.size, row.mapped, row.hugePages, row.shared, row.locked].join(' ')

/** Throws unless the mappings are the model's blocks. */
export function checkMappings(context: ContextModel, mappings: Mapping[]): void {
  const left = mappings.map((row) => {
    const numaNode = context.numaNodes[row.node]
    if (row.numaNode !== numaNode || row.pageSize !== PAGE) {
      throw new Error(`${context.name}: mapping ${JSON.stringify(row)}`)
    }
    return rowOf(row)
  })
  const remove = (block: Block): boolean => {
    const at = left.indexOf(rowOf(block))
    if (at >= 0) left.splice(at, 1)
    return at >= 0
  }
  for (const block of context.blocks) {
    if (block.life !== 'dropped' && !remove(block)) {
      throw new Error(`${context.name}: no mapping of the block "${rowOf(block)}"`)
    }
  }
  for (const block of context.blocks) if (block.life === 'dropped') remove(block)
  if (left.length !== 0) throw new Error(`${context.name}: mappings of nothing: ${left.join('; ')}`)
}
