// Both worlds side by side: emucxl's, and the model of it. Every call goes through here, and what it
// returns or throws is judged by what the model says.

import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type BackendName, EmucxlError, type OpenOptions } from 'emucxl'
import {
  foreignMemory,
  Handle,
  handleOperand,
  impostorOperand,
  type MemoryArgument,
  type Operand,
  Store,
} from './memory.js'
import { type Block, type ContextModel, checkMappings, checkStats } from './model.js'
import type { Problem } from './values.js'

/** What a call may do, by the model. */
export interface Verdict {
  /** Where there is one, it has to fail: with one of these, or of `may`. */
  must: Problem[]
  may: Problem[]
}

type Outcome = { value: unknown } | { error: unknown }

/** An operation off the main thread, from its call to the end of the wait for it. */
export interface Flight {
  readonly text: string
  readonly verdict: Verdict
  /** The reason of the signal that was, or will be, aborted. */
  readonly reason: object | undefined
  /** To be aborted when the event loop has turned. */
  readonly late: AbortController | undefined
  outcome: Outcome | undefined
  readonly ended: Promise<void>
  /** Completes the verdict with what is only known at the end. */
  readonly decide: () => void
  readonly land: (value: unknown) => void
  readonly fell: () => void
}

const words = (problem: Problem): string =>
  `${problem.type} ${problem.code}${problem.names ? ` naming ${problem.names}` : ''}`

function fits(error: unknown, problem: Problem): boolean {
  const kind = { TypeError, RangeError, EmucxlError }[problem.type]
  return (
    error instanceof kind &&
    (error as { code?: string }).code === problem.code &&
    error.message.includes(problem.names ?? '')
  )
}

/** Throws unless the outcome is one that the verdict allows. */
function judge(outcome: Outcome, { must, may }: Verdict, reason?: object): void {
  const allowed = [...must, ...may]
  if ('error' in outcome) {
    if (reason !== undefined && outcome.error === reason) return
    if (allowed.some((problem) => fits(outcome.error, problem))) return
    const { stack = String(outcome.error), code } = outcome.error as Error & { code?: string }
    throw new Error(
      `failed with ${code ?? 'no code'}: ${stack}\n` +
        `allowed: ${allowed.map(words).join(', ') || 'nothing, it has to succeed'}`,
    )
  }
  if (must.length !== 0) {
    throw new Error(`succeeded, but has to fail: ${must.map(words).join(', ')}`)
  }
}

const PATIENCE_MS = 30_000

/** A step finds nothing to do. */
export class NoSuchMemory extends Error {}

/** How often each call ended how, over all worlds of this process. */
export const tally = new Map<string, number>()

function count(text: string, outcome: Outcome): void {
  const call = /\.?(\w+)\(/.exec(text)?.[1] ?? text
  const error = 'error' in outcome ? (outcome.error as { code?: string }) : undefined
  const end = error === undefined ? 'done' : (error.code ?? 'aborted')
  const key = `${call} ${end}`
  tally.set(key, (tally.get(key) ?? 0) + 1)
}

export class World {
  readonly contexts: ContextModel[] = []
  handles: Handle[] = []
  readonly flights: Flight[] = []
  /** What share() said, and of which the regions were freed since. */
  readonly shareNumbers = new Map<Block, number>()
  readonly stale: number[] = []
  /** The calls so far, for the reader of a counterexample. */
  readonly transcript: string[] = []
  readonly backend: BackendName
  readonly backendOptions: OpenOptions
  readonly numaNodes: { local: number; remote: number }
  #names = 0

  constructor(
    backendOptions: OpenOptions & { backend: BackendName },
    numaNodes: { local: number; remote: number },
  ) {
    this.backend = backendOptions.backend
    this.backendOptions = backendOptions
    this.numaNodes = numaNodes
    for (const { name, memory } of foreignMemory()) {
      const store = new Store(new Uint8Array(memory).slice())
      this.handles.push(new Handle(memory, store, name))
    }
  }

  /** The buffer, or the view of it, that an argument names. Throws NoSuchMemory. */
  operand(argument: MemoryArgument, parameter: string): Operand {
    if ('impostor' in argument) return impostorOperand(argument.impostor, parameter)
    const among = this.handles.filter(({ block, state }) =>
      argument.from === 'dead'
        ? state !== 'live'
        : state === 'live' && (argument.from === 'live') === (block !== undefined),
    )
    const handle = among[argument.pick % among.length]
    if (handle === undefined) throw new NoSuchMemory()
    return handleOperand(handle, argument, parameter)
  }

  /** Mostly one that is open. */
  context(pick: number): ContextModel {
    const open = this.contexts.filter((context) => context.open)
    const among = open.length === 0 || pick % 12 === 11 ? this.contexts : open
    return among[pick % among.length] as ContextModel
  }

  /** A block is freed: nobody can attach it any more. */
  unshare(block: Block): void {
    const number = this.shareNumbers.get(block)
    if (number !== undefined) this.stale.push(number)
  }

  name(prefix: string): string {
    return `${prefix}${++this.#names}`
  }

  /** Enters a new block, and the buffer over it. */
  enter(block: Block, memory: ArrayBuffer | SharedArrayBuffer): Handle {
    const handle = new Handle(memory, block.store, this.name('b'), block)
    block.original ??= handle
    block.handles.push(handle)
    this.handles.push(handle)
    block.context.blocks.add(block)
    return handle
  }

  /** Makes a call, and compares what it does with the verdict. */
  call<T>(text: string, verdict: Verdict, invoke: () => T, succeeded: (value: T) => void): void {
    this.transcript.push(text)
    let outcome: Outcome
    try {
      outcome = { value: invoke() }
    } catch (error) {
      outcome = { error }
    }
    count(text, outcome)
    judge(outcome, verdict)
    if ('value' in outcome) succeeded(outcome.value as T)
    this.note()
  }

  /** Notes what is booked now, for the operations under way, which may meet it. */
  note(): void {
    if (this.flights.length !== 0) for (const context of this.contexts) context.note()
  }

  /** Starts an operation off the main thread. `settle` looks at its end. */
  launch(options: {
    text: string
    verdict: Verdict
    abort: 'no' | 'before' | 'now' | 'later'
    /** Whether an abort before the event loop turns surely ends it. */
    stops: boolean
    start: (signal: { signal?: AbortSignal }) => Promise<unknown>
    decide?: () => void
    land: (value: unknown) => void
    fell?: () => void
  }): Flight {
    const { abort, verdict } = options
    const controller = new AbortController()
    const reason = abort === 'no' ? undefined : { aborted: options.text }
    this.transcript.push(`${options.text}${abort === 'no' ? '' : ` (aborted ${abort})`}`)
    const surely = abort === 'before' || (abort === 'now' && options.stops)
    if (abort === 'before') controller.abort(reason)
    const started = options.start(abort === 'no' ? {} : { signal: controller.signal })
    if (abort === 'now') controller.abort(reason)
    const flight: Flight = {
      text: options.text,
      verdict,
      reason,
      late: abort === 'later' ? controller : undefined,
      outcome: undefined,
      ended: started.then(
        (value) => {
          flight.outcome = { value }
        },
        (error: unknown) => {
          flight.outcome = { error }
        },
      ),
      decide: () => {
        options.decide?.()
        // No error is like this one: it has to fail, and only the signal's reason explains it.
        if (surely) verdict.must.push({ type: 'EmucxlError', code: 'the reason of its signal' })
      },
      land: options.land,
      fell: options.fell ?? (() => {}),
    }
    this.flights.push(flight)
    this.note()
    return flight
  }

  /** Waits for all operations under way, judges them, and compares the worlds. */
  async settle(): Promise<void> {
    if (this.flights.length === 0) return
    this.transcript.push('— wait for all of them')
    if (this.flights.some(({ late }) => late !== undefined)) {
      await turn()
      for (const { late, reason } of this.flights) late?.abort(reason)
    }
    await this.#ends()
    for (const flight of this.flights) {
      flight.decide()
      const outcome = flight.outcome as Outcome
      count(flight.text, outcome)
      try {
        judge(outcome, flight.verdict, flight.reason)
      } catch (error) {
        throw new Error(`${flight.text}: ${(error as Error).message}`)
      }
      if ('value' in outcome) flight.land(outcome.value)
      else flight.fell()
    }
    this.flights.length = 0
    for (const handle of this.handles) {
      if (handle.state === 'live') handle.store.adopt(new Uint8Array(handle.memory))
    }
    for (const context of this.contexts) {
      context.extremes = []
      for (const { store } of context.blocks) store.uncertain = []
    }
    this.check()
  }

  async #ends(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const open = this.flights.filter(({ outcome }) => outcome === undefined)
        reject(new Error(`never settled: ${open.map(({ text }) => text).join('; ')}`))
      }, PATIENCE_MS)
    })
    try {
      await Promise.race([Promise.all(this.flights.map(({ ended }) => ended)), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends what a failed sequence left open. */
  async abandon(): Promise<void> {
    await Promise.all(this.flights.map(({ ended }) => ended))
    for (const { face } of this.contexts) face.close()
  }

  /** Throws unless contents, lengths, accounts and mappings are as the model says. */
  check(): void {
    for (const handle of this.handles) this.#checkHandle(handle)
    if (this.flights.length !== 0) return
    for (const context of this.contexts) {
      if (!context.open) continue
      const { cxl } = context.face
      if (cxl === undefined) {
        this.#checkAllocated(context)
        continue
      }
      context.capacities.forEach((_, node) => {
        checkStats(context, node, cxl.stats(node))
      })
      checkMappings(context, cxl.mappings())
    }
  }

  #checkHandle(handle: Handle): void {
    const { memory, name, state, store } = handle
    if (state === 'detached') {
      if (memory.byteLength !== 0) throw new Error(`${name} has ${memory.byteLength} bytes, not 0`)
      return
    }
    if (memory.byteLength !== store.bytes.length) {
      throw new Error(`${name} has ${memory.byteLength} bytes, not ${store.bytes.length}`)
    }
    const real = Buffer.from(memory as ArrayBuffer)
    if (state === 'zeros') {
      if (handle.dirty || real.equals(Buffer.alloc(real.length))) return
      throw new Error(`${name} was freed, and is not zeros`)
    }
    if (!store.certain || real.equals(store.bytes)) return
    const at = real.findIndex((byte, i) => byte !== store.bytes[i])
    throw new Error(`${name} has ${real[at]} at ${at}, should have ${store.bytes[at]}`)
  }

  #checkAllocated(context: ContextModel): void {
    context.capacities.forEach((_, node) => {
      const blocks = [...context.blocks].filter((block) => block.node === node)
      const sum = (some: Block[]) => some.reduce((bytes, { size }) => bytes + size, 0)
      const found = context.face.allocated(node)
      const least = sum(blocks.filter(({ life }) => life !== 'dropped'))
      if (found < least || found > sum(blocks)) {
        throw new Error(`emucxl_stats(${node}) is ${found}, should be ${least} to ${sum(blocks)}`)
      }
    })
  }
}

/** Throws unless two plain values are equal. */
export function expectEqual(found: unknown, wanted: unknown, what: string): void {
  if (!isDeepStrictEqual(found, wanted)) {
    throw new Error(`${what}: ${JSON.stringify(found)}, should be ${JSON.stringify(wanted)}`)
  }
}
