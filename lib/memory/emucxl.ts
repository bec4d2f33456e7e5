// An open context: memory on its nodes, handed out as ArrayBuffers.

import { isMainThread } from 'node:worker_threads'
import { addon, Flag, type NativeMove } from './addon.js'
import {
  type Address,
  checkBlockSize,
  checkBytes,
  checkNode,
  outOfRange,
  wrongType,
} from './arguments.js'
import type { BackendName } from './backends.js'
import { bufferBelow, rememberedNode, restamp, stamp, unstamp } from './block.js'
import { tellClosed } from './closing.js'
import { DataCalls } from './data-calls.js'
import { EmucxlError } from './errors.js'
import { type AsyncOptions, run } from './jobs.js'
import {
  type AllocOptions,
  type HugePages,
  type Node,
  type OpenOptions,
  type Plan,
  pageFlags,
  plan,
} from './options.js'
import type { Mapping, MigrateResult, NodeStats, Residency, SharedHandle } from './reports.js'

/** The local node. */
export const LOCAL_MEMORY = 0
/** The first remote node. */
export const REMOTE_MEMORY = 1

const HUGE_PAGES: readonly HugePages[] = ['off', 'prefer', 'require']

/** Contexts of this thread, by their number in the addon. */
const open = new Set<number>()

// A context that was dropped without close(): its blocks live on until they are dropped too.
const dropped = new FinalizationRegistry<number>((id) => {
  open.delete(id)
  addon.abandon(id)
})

// Node.js cannot tell the addon in time that a worker ends. What it allocated goes back here; what it
// shared stays with those who share it. When the main thread ends, so does the process.
if (!isMainThread) {
  process.once('exit', () => {
    for (const id of open) addon.close(id, false)
  })
}

const SECRET = Symbol('Emucxl.open')

/** Which huge pages the user of a context asked for, for what is built on contexts. */
export let hugePagesOf: (cxl: Emucxl) => HugePages | undefined

/**
 * An open context: a backend, a map of its nodes, capacities, and regions of memory.
 *
 * An *address* is what {@link alloc} returned, or a view into it whose byteOffset counts, as a
 * pointer into a block of C would. A block can be handed to any open context of the process; it is
 * always booked in the one that allocated it.
 *
 * Errors of all methods: `ERR_EMUCXL_CLOSED` after {@link close}; those with an address
 * `ERR_EMUCXL_DETACHED`, `ERR_EMUCXL_FREED`, `ERR_EMUCXL_NOT_ALLOCATED`; `TypeError` and `RangeError`
 * that name the parameter. A call that fails changes nothing.
 */
export class Emucxl extends DataCalls {
  static {
    hugePagesOf = (cxl) => cxl.#hugePages
  }

  readonly #id: number
  readonly #flags: number
  readonly #hugePages: HugePages | undefined
  #closed = false

  /** The backend that maps the pages. */
  readonly backend: BackendName
  /** Node 0 is local, the others are remote. */
  readonly nodes: readonly Node[]
  /** True where a latency model makes calls slower: figures are then modelled, not measured. */
  readonly modelled: boolean

  /** For {@link open} alone. */
  private constructor(secret: symbol, chosen: Plan) {
    super(() => this.#checkOpen())
    if (secret !== SECRET) {
      throw new TypeError('Emucxl has no public constructor: call Emucxl.open()')
    }
    const rows = chosen.nodes.flatMap(({ node, numaNode }) => {
      const latency = node === 0 ? chosen.model?.local : chosen.model?.remote
      return [
        numaNode,
        chosen.capacities[node] ?? (chosen.present[node] as number),
        latency?.latencyNs ?? 0,
        latency?.bandwidthGBps ?? 0,
      ]
    })
    this.#id = addon.open(chosen.backend, chosen.devicePath, rows)
    this.#flags = chosen.flags | (chosen.counted ? Flag.counted : 0)
    this.#hugePages = chosen.hugePages
    this.backend = chosen.backend
    this.nodes = Object.freeze(chosen.nodes.map((node) => Object.freeze(node)))
    this.modelled = chosen.model !== undefined
    open.add(this.#id)
    for (const [node, present] of chosen.present.entries()) {
      if (chosen.capacities[node] !== undefined) continue
      addon.setCapacity(this.#id, node, Math.min(present, addon.backendCapacity(this.#id, node)))
    }
    dropped.register(this, this.#id, this)
  }

  /**
   * Opens a context.
   *
   * Errors: `ERR_EMUCXL_BACKEND_UNAVAILABLE` for a backend asked for by name that cannot run here,
   * `ERR_EMUCXL_BAD_NODE` for a NUMA node that is not online.
   */
  static open(options?: OpenOptions): Emucxl {
    return new Emucxl(SECRET, plan(options))
  }

  /**
   * A block of another thread's, by what {@link share} returned there: a `SharedArrayBuffer` on
   * Node.js 22 and later, an `ArrayBuffer` on 20 (where `Atomics` work on it, but for `wait`).
   *
   * Errors: `ERR_EMUCXL_FREED`.
   */
  static attach(handle: SharedHandle): SharedArrayBuffer | ArrayBuffer {
    const region = (handle as SharedHandle | null | undefined)?.emucxlRegion
    if (typeof region !== 'number') throw wrongType('handle', 'what share() returned', handle)
    if (!Number.isSafeInteger(region) || region < 1) {
      throw outOfRange('handle.emucxlRegion', 'a number that share() returned', region)
    }
    return addon.attach(region)
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * Frees every block of the context, shared ones too, and closes the backend. A second call does
   * nothing.
   */
  close(): void {
    if (this.#closed) return
    this.#leave()
    addon.close(this.#id, true)
    addon.abandon(this.#id)
  }

  /** As {@link close}; the memory goes back off the main thread. The blocks are gone at once. */
  async closeAsync(): Promise<void> {
    if (this.#closed) return
    this.#leave()
    const work = run(undefined, (job) => addon.closeAsync(job, this.#id))
    addon.abandon(this.#id)
    await work
  }

  /** {@link close}, at the end of a block that has the context as `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** {@link closeAsync}, at the end of a block that has the context as `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.closeAsync()
  }

  #leave(): void {
    this.#closed = true
    open.delete(this.#id)
    dropped.unregister(this)
    tellClosed(this)
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the context is closed: open another one')
    }
  }

  /**
   * Allocates zeroed memory on a node: `size` bytes, in pages of its own.
   *
   * A page gets its memory at the first access to it. On a real node that is full by then, the
   * kernel ends the process (mbind(2), MPOL_BIND): with `prefault: true` the call fails instead, and
   * what it returned is safe.
   *
   * With `shared: true` it is memory that worker threads map too: a `SharedArrayBuffer`, to be sent
   * by `postMessage`, on Node.js 22 and later; on 20 an `ArrayBuffer`, which other threads
   * {@link attach}.
   *
   * Errors: `ERR_EMUCXL_NO_MEMORY` beyond the node's capacity or memory,
   * `ERR_EMUCXL_BAD_NODE`, `ERR_EMUCXL_NO_HUGE_PAGES`, `ERR_EMUCXL_LOCK_LIMIT`,
   * `ERR_EMUCXL_UNSUPPORTED`, `ERR_EMUCXL_NO_EXTERNAL`. Source: `emucxl_alloc`, Table II.
   */
  alloc(
    size: number,
    node: number,
    options: AllocOptions & { shared: true },
  ): SharedArrayBuffer | ArrayBuffer
  alloc(size: number, node: number, options?: AllocOptions & { shared?: false }): ArrayBuffer
  alloc(size: number, node: number, options?: AllocOptions): SharedArrayBuffer | ArrayBuffer
  alloc(size: number, node: number, options?: AllocOptions): SharedArrayBuffer | ArrayBuffer {
    this.#checkOpen()
    checkBlockSize(size)
    checkNode(node, this.nodes)
    const flags = pageFlags(options, this.#flags)
    this.#checkOpen() // once more: a getter among the options may have closed it
    const buffer = addon.alloc(this.#id, size, node, flags)
    return (flags & Flag.shared) === 0 ? stamp(buffer, node) : buffer
  }

  /** As {@link alloc}, off the main thread; pays with `prefault`, `lock` and huge pages. */
  allocAsync(
    size: number,
    node: number,
    options: AllocOptions & AsyncOptions & { shared: true },
  ): Promise<SharedArrayBuffer | ArrayBuffer>
  allocAsync(
    size: number,
    node: number,
    options?: AllocOptions & AsyncOptions & { shared?: false },
  ): Promise<ArrayBuffer>
  allocAsync(
    size: number,
    node: number,
    options?: AllocOptions & AsyncOptions,
  ): Promise<SharedArrayBuffer | ArrayBuffer>
  async allocAsync(
    size: number,
    node: number,
    options?: AllocOptions & AsyncOptions,
  ): Promise<SharedArrayBuffer | ArrayBuffer> {
    this.#checkOpen()
    checkBlockSize(size)
    checkNode(node, this.nodes)
    const flags = pageFlags(options, this.#flags)
    const buffer = await run(options, (job) => {
      this.#checkOpen()
      return addon.allocAsync(job, this.#id, size, node, flags)
    })
    return (flags & Flag.shared) === 0 ? stamp(buffer, node) : buffer
  }

  /**
   * Frees a block: its memory goes back at once, and its buffer has length 0 from then on. A
   * `SharedArrayBuffer` keeps its length and reads as zeros, for all threads; what is written to it
   * after that is lost when the last of them lets go of it. `address` must be the start of the block.
   *
   * Errors: `ERR_EMUCXL_BUSY` while it is resized or migrated elsewhere. Source: `emucxl_free`,
   * Table II.
   */
  free(address: Address): void {
    this.#checkOpen()
    addon.free(address)
    unstamp(address)
  }

  /**
   * As {@link free}; the buffer is gone at once, the memory goes back off the main thread. Nothing can
   * be aborted once the call was made.
   */
  async freeAsync(address: Address, options?: AsyncOptions): Promise<void> {
    this.#checkOpen()
    await run(options, (job) => {
      const work = addon.freeAsync(job, address)
      unstamp(address)
      return work
    })
  }

  /**
   * Makes a block longer or shorter, on its node. The contents up to the shorter length stay, what
   * is new is zeroed; the old buffer has length 0 from then on. Pages are not copied where the
   * kernel can move them (mremap(2)). A shared block cannot be resized. `address` must be the start
   * of the block.
   *
   * Errors: `ERR_EMUCXL_NO_MEMORY`, `ERR_EMUCXL_SHARED`, `ERR_EMUCXL_BUSY`. Source:
   * `emucxl_resize`, Table II.
   */
  resize(address: Address, size: number): ArrayBuffer {
    this.#checkOpen()
    checkBlockSize(size)
    const node = this.nodeOf(address)
    const buffer = addon.resize(address, size)
    unstamp(address)
    return stamp(buffer, node)
  }

  /**
   * As {@link resize}, off the main thread. The old buffer can be used until the new range is there;
   * what is written to it after that is lost.
   */
  async resizeAsync(address: Address, size: number, options?: AsyncOptions): Promise<ArrayBuffer> {
    this.#checkOpen()
    checkBlockSize(size)
    const node = this.nodeOf(address)
    return stamp(await run(options, (job) => addon.resizeAsync(job, address, size)), node)
  }

  /**
   * Moves a block to another node. Its address, contents and views stay valid, and other threads may
   * read and write it meanwhile. `address` must be the start of the block. Pages that were never
   * touched have nothing to move: see {@link alloc} for what their first access can meet.
   *
   * Errors: `ERR_EMUCXL_NO_MEMORY` (all pages are then where they were), `ERR_EMUCXL_BAD_NODE`,
   * `ERR_EMUCXL_BUSY`, `ERR_EMUCXL_UNSUPPORTED`. Source: `emucxl_migrate`, Table II; the paper
   * copies to a new address.
   */
  migrate(address: Address, node: number): MigrateResult {
    this.#checkOpen()
    checkNode(node, this.nodes)
    const result = addon.migrate(address, node)
    restamp(address, node)
    return result
  }

  /** As {@link migrate}, off the main thread. Aborted, it moves the pages back. */
  async migrateAsync(
    address: Address,
    node: number,
    options?: AsyncOptions,
  ): Promise<MigrateResult> {
    this.#checkOpen()
    checkNode(node, this.nodes)
    const result: NativeMove = await run(options, (job) => addon.migrateAsync(job, address, node))
    restamp(address, node)
    return result
  }

  /** Whether a block is on the local node. Source: `emucxl_is_local`, Table II. */
  isLocal(address: Address): boolean {
    return this.nodeOf(address) === LOCAL_MEMORY
  }

  /** The node of a block, by the number that {@link alloc} takes. Source: Table II. */
  nodeOf(address: Address): number {
    this.#checkOpen()
    return rememberedNode(address) ?? addon.nodeOf(address)
  }

  /** The size of a block in bytes, as it was asked for. Source: `emucxl_get_size`, Table II. */
  sizeOf(address: Address): number {
    this.#checkOpen()
    return rememberedNode(address) === undefined
      ? addon.sizeOf(address)
      : bufferBelow(address).byteLength
  }

  /**
   * Where the pages of a block are now, as the kernel reports them. On the emulated backend too:
   * that is the truth behind the bookkeeping. With automatic NUMA balancing (Linux 6.1 and others)
   * pages that the kernel is about to sample count as untouched for a moment.
   *
   * Errors: `ERR_EMUCXL_NOT_PERMITTED` in containers that forbid move_pages(2).
   */
  where(address: Address): Residency {
    this.#checkOpen()
    const { pageSize, untouched, nodes } = addon.where(address)
    return { pageSize, nodes: Object.fromEntries(nodes), untouched }
  }

  /** As {@link where}, off the main thread: 0.1 s for some GiB. */
  async whereAsync(address: Address, options?: AsyncOptions): Promise<Residency> {
    this.#checkOpen()
    const found = await run(options, (job) => addon.whereAsync(job, address))
    return { ...found, nodes: Object.fromEntries(found.nodes) }
  }

  /** The account of a node. Source: `emucxl_stats`, Table II, which gives `allocated` alone. */
  stats(node: number): NodeStats {
    this.#checkOpen()
    checkNode(node, this.nodes)
    const s = addon.stats(this.#id, node)
    return {
      node,
      numaNode: (this.nodes[node] as Node).numaNode,
      allocated: s.allocated,
      mapped: s.mapped,
      capacity: s.capacity,
      available: Math.max(0, s.capacity - s.mapped),
      regions: s.regions,
      pending: { ranges: s.pendingRanges, bytes: s.pendingBytes },
      reserved: { ranges: s.reservedRanges, bytes: s.reservedBytes },
      idle: { ranges: s.idleRanges, bytes: s.idleBytes },
    }
  }

  /** Every region of the context, in no order. */
  mappings(): Mapping[] {
    this.#checkOpen()
    return addon.mappings(this.#id).map((row) => ({
      ...row,
      numaNode: (this.nodes[row.node] as Node).numaNode,
      hugePages: HUGE_PAGES[row.hugePages] as HugePages,
    }))
  }

  /** Changes how many bytes may be mapped on a node. What is mapped beyond it stays. */
  setCapacity(node: number, bytes: number): void {
    this.#checkOpen()
    checkNode(node, this.nodes)
    checkBytes(bytes, 'bytes', 0)
    addon.setCapacity(this.#id, node, bytes)
  }

  /**
   * A handle by which other threads {@link attach} a block that was allocated as shared. It does not
   * keep the block: hold on to the address until they have attached.
   *
   * Errors: `ERR_EMUCXL_NOT_SHARED`.
   */
  share(address: Address): SharedHandle {
    this.#checkOpen()
    return { emucxlRegion: addon.share(address), size: addon.sizeOf(address) }
  }
}
