// The native addon: where it is looked for, what it offers, and what to say when it does not load.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { getSystemErrorName } from 'node:util'
import { flaw } from './binary.js'
import { EmucxlError, type ErrorCode } from './errors.js'
import { buildCommand, libc, packageRoot } from './host.js'

/** Numbers of a node as the addon counts them; see `NodeStats` of emucxl.ts. */
export interface NativeStats {
  allocated: number
  mapped: number
  capacity: number
  regions: number
  pendingRanges: number
  pendingBytes: number
  reservedRanges: number
  reservedBytes: number
  idleRanges: number
  idleBytes: number
}

export interface NativeMapping {
  node: number
  size: number
  mapped: number
  pageSize: number
  hugePages: 0 | 1 | 2
  shared: boolean
  locked: boolean
}

export interface NativeResidency {
  pageSize: number
  untouched: number
  nodes: [number, number][]
}

export interface NativeMove {
  moved: number
  failed: number
  untouched: number
}

export interface NativeChase {
  lines: number
  /** Whether the thread stayed on the CPU that was asked for. */
  pinned: boolean
  /** The CPU on which it ran, at the end. */
  cpu: number
  nsPerLoad: number[]
}

/**
 * What the threads of a sweep or of traffic do, by STREAM's definitions: sum 64-bit words; a[i] = s;
 * a[i] = b[i]; a[i] = b[i] + s * c[i] (doubles).
 */
export type Kernel = 'read' | 'write' | 'copy' | 'triad'

export interface NativeSweep {
  /** Of each pass, from the first thread's start to the last one's end. */
  nsPerPass: number[]
  /** By STREAM's count: each operand once. */
  bytesPerPass: number
  /** Whether every thread stayed on the CPU that `cpus` names for it. */
  pinned: boolean
  /** Whether the operands held what they must, afterwards. */
  valid: boolean
}

export interface NativeTraffic {
  /** Moved since all threads had begun, by STREAM's count. */
  bytes: number
  /** The time in which they were. */
  ns: number
  pinned: boolean
}

/** Bits of `flags` in `alloc`. */
export const Flag = {
  hugePrefer: 1,
  hugeRequire: 2,
  lock: 4,
  prefault: 8,
  shared: 16,
  /** V8 counts the memory as its own. */
  counted: 32,
} as const

/** `kind` of `copy`: which side must be memory of emucxl, and whether they may overlap. */
export const Kind = { read: 0, write: 1, copy: 2, move: 3 } as const

/** The system calls that place memory, by their names. */
export type NumaCall = 'get_mempolicy' | 'set_mempolicy' | 'mbind' | 'move_pages'

type Memory = ArrayBufferLike | ArrayBufferView

/** The addon's functions: native/binding/calls.h. Arguments are checked there once more. */
export interface Addon {
  setup(
    makeError: (code: ErrorCode, message: string, syscall?: string, errno?: number) => Error,
  ): void
  backendCapacity(context: number, node: number): number
  isFirst(): boolean
  probe(backend: string, devicePath: string): void
  open(backend: string, devicePath: string, rows: readonly number[]): number
  close(context: number, alsoShared: boolean): void
  abandon(context: number): void
  alloc(context: number, size: number, node: number, flags: number): ArrayBuffer
  free(address: Memory): void
  resize(address: Memory, size: number): ArrayBuffer
  migrate(address: Memory, node: number): NativeMove
  share(address: Memory): number
  attach(handle: number): ArrayBuffer
  setCapacity(context: number, node: number, bytes: number): void
  copy(
    to: Memory,
    toOffset: number,
    from: Memory,
    fromOffset: number,
    size: number,
    kind: number,
  ): void
  fill(address: Memory, offset: number, size: number, byte: number): void
  nodeOf(address: Memory): number
  sizeOf(address: Memory): number
  where(address: Memory): NativeResidency
  stats(context: number, node: number): NativeStats
  mappings(context: number): NativeMapping[]
  currentCpu(): number
  /** The errno of each of the kernel's NUMA calls; 0 where it works. */
  tryNumaCalls(): Record<NumaCall, number>
  wrapsShared(): boolean
  allocAsync(
    job: number,
    context: number,
    size: number,
    node: number,
    flags: number,
  ): Promise<ArrayBuffer>
  freeAsync(job: number, address: Memory): Promise<void>
  resizeAsync(job: number, address: Memory, size: number): Promise<ArrayBuffer>
  migrateAsync(job: number, address: Memory, node: number): Promise<NativeMove>
  copyAsync(
    job: number,
    to: Memory,
    toOffset: number,
    from: Memory,
    fromOffset: number,
    size: number,
    kind: number,
  ): Promise<void>
  fillAsync(job: number, address: Memory, offset: number, size: number, byte: number): Promise<void>
  whereAsync(job: number, address: Memory): Promise<NativeResidency>
  closeAsync(job: number, context: number): Promise<void>
  cancel(job: number): void
  /** Keeps the calling thread on a CPU from now on, -1: where it is; false where it may not be there. */
  pinThread(cpu: number): boolean
  /** Seed 0 goes on where the last chase of the block stopped. `cpu` -1: where the thread is. */
  chase(address: Memory, loads: number, samples: number, seed: number, cpu: number): NativeChase
  /**
   * A variant of STREAM, in as many threads as `cpus` has entries, after a pass that is not counted.
   * @param blocks for each operand, targets first, one block for each part; overwritten
   * @param weights pages of each part in a round; of no meaning where there is one part
   * @param cpus the CPU that a thread is pinned to; -1: none
   */
  sweep(
    kernel: Kernel,
    blocks: readonly (readonly Memory[])[],
    weights: readonly number[],
    cpus: readonly number[],
    passes: number,
  ): NativeSweep
  /** The same in the background; returns, with a number for it, when all threads have begun. */
  startTraffic(
    kernel: Kernel,
    blocks: readonly (readonly Memory[])[],
    weights: readonly number[],
    cpus: readonly number[],
  ): number
  stopTraffic(traffic: number): NativeTraffic
}

/** Files in which the addon may be, best first. */
function candidates(): string[] {
  const chosen = process.env['EMUCXL_ADDON'] // a sanitizer's build, in the tests
  if (chosen !== undefined && chosen !== '') return [chosen]
  return [
    join(packageRoot, 'build', 'Release', 'emucxl.node'),
    join(packageRoot, 'prebuilds', `linux-${process.arch}`, 'emucxl.node'),
  ]
}

function cannotLoad(tried: { file: string; error?: Error }[]): EmucxlError {
  const lines = tried.map(
    ({ file, error }) => `  ${file}: ${error === undefined ? 'not there' : error.message}`,
  )
  return new EmucxlError(
    'ERR_EMUCXL_LOAD',
    `emucxl's native addon could not be loaded. Looked for:\n${lines.join('\n')}\n` +
      `This machine: ${process.platform} ${process.arch}, ${libc()}, Node.js ${process.version}, ` +
      `Node-API ${process.versions['napi']}.\n` +
      (process.platform === 'linux'
        ? 'To build it from source, with g++, make and python3 installed, run:\n' +
          `  ${buildCommand()}`
        : 'emucxl needs Linux: its memory comes from mmap, mbind and /dev/emucxl.'),
    { cause: tried.find(({ error }) => error !== undefined)?.error },
  )
}

function load(): { file: string; addon: Addon } {
  const require = createRequire(import.meta.url)
  const tried: { file: string; error?: Error }[] = []
  for (const file of candidates()) {
    if (!existsSync(file)) {
      tried.push({ file })
      continue
    }
    try {
      const wrong = flaw(file)
      if (wrong !== undefined) throw new Error(wrong)
      return { file, addon: require(file) as Addon }
    } catch (error) {
      tried.push({ file, error: error as Error })
    }
  }
  throw cannotLoad(tried)
}

function makeError(code: ErrorCode, message: string, syscall?: string, errno?: number): Error {
  const error =
    syscall === undefined || errno === undefined || errno === 0
      ? new EmucxlError(code, message)
      : new EmucxlError(code, `${message} (${syscall}: ${getSystemErrorName(errno)})`, {
          syscall,
          errno,
        })
  Error.captureStackTrace(error, makeError)
  return error
}

const loaded = load()

export const addon: Addon = loaded.addon
/** The file that it was loaded from. */
export const addonFile: string = loaded.file
/** The version of Node-API that it was built for: NAPI_VERSION of binding.gyp. */
export const ADDON_NODE_API = 9

addon.setup(makeError)
