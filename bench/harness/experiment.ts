// What an experiment is: it measures local against remote memory through an open context, and lays
// out what it found. Each has a file of its own here, and a place in the list of experiments.ts.
//
// It runs in processes of its own, one after the other, each of which measures everything once: what one
// leaves behind in caches, in V8, in the layout of its pages is not another's. What they found is merged.

import type { Emucxl } from '../../lib/memory/emucxl.js'
import { EmucxlError } from '../../lib/memory/errors.js'
import type { Node } from '../../lib/memory/options.js'
import type { NumaNode } from '../../lib/memory/topology.js'
import type { Chart } from './chart.js'

/** What the user asked for; undefined leaves the choice to the experiment. */
export interface Settings {
  /** Whether all is to be over in a minute. */
  quick?: boolean
  /** Repetitions of each measurement. */
  runs?: number
  /** Operations of a run, where an experiment counts operations; reads of a trace. */
  count?: number
  /** What random numbers begin with. */
  seed?: number
  /** Names of policies, where an experiment compares them. */
  policies?: readonly string[]
  /** Files of traces, where an experiment replays traces. */
  traces?: readonly string[]
  /** Bytes of a block, or of the memory that a measurement walks through. */
  size?: number
}

export interface Context {
  cxl: Emucxl
  settings: Settings
  /** Bytes of the last-level cache; 0 where it cannot be read. */
  lastLevelCache: number
  /** How many last-level caches CPUs have between them: see cpus.ts. */
  countCaches(cpus: readonly number[]): number
  /** Bytes that each node can give without harm to the machine. */
  memoryOfEach: number
  /** CPUs that the process may use, in the order in which they are to be used: see cpus.ts. */
  allowed: readonly number[]
  /** Whether the thread that runs TypeScript stays on one CPU. */
  pinned: boolean
  /** The machine's NUMA nodes. */
  topology: readonly NumaNode[]
  /**
   * The share of the time that the process may take which is gone, from 0 to 1; 0 where the user has said
   * how many repetitions there are to be.
   */
  timeGone(): number
  /** Whether it is all gone: the experiment is to end with what it has, one repetition at least. */
  timeIsUp(): boolean
  /** Tells how much is done, from 0 to 1. */
  progress(done: number): void
  /** Adds a line to those that say under which conditions the figures were taken. */
  condition(text: string): void
}

/** A column of a table; figures have a unit, and the number of digits after the point. */
export interface Column {
  head: string
  unit?: string
  digits?: number
}

/** What an experiment prints: a cell left undefined has no figure. */
export interface Table {
  /** Says what it shows, where an experiment has several. */
  title?: string
  columns: readonly Column[]
  rows: readonly (readonly (string | number | undefined)[])[]
  /** Sentences to stand below it: sources, and how to read it. */
  notes: readonly string[]
}

/** What an experiment found, flat rows of figures: its part of the JSON report. */
export interface Result {
  rows: readonly object[]
}

/** What a mode takes: processes, one after the other, and seconds of each. */
export interface Effort {
  processes: number
  seconds: number
}

/**
 * An experiment. Its module loads nothing native before `run` is called, so that its name and
 * description can be listed where the addon cannot be loaded.
 */
export interface Experiment<R extends Result = Result> {
  readonly name: string
  /** One sentence: what is measured, and how. */
  readonly description: string
  readonly effort: { quick: Effort; full: Effort }
  /** Whether what TypeScript does is timed: its thread is to stay on one CPU then. */
  readonly pinned: boolean
  /** Measures, in a process of its own. */
  run(context: Context): Promise<R>
  /** One result of those of several processes, of one at least. */
  merge(results: readonly R[]): R
  tables(result: R): Table[]
  /** For the report. */
  charts?(result: R): Chart[]
  /** A picture of it: an SVG. `conditions` are what a reader must know besides. */
  picture?(result: R, conditions: readonly string[]): Promise<string>
}

/** Says so where time was up before all repetitions were made. */
export function noteRepetitions(
  { settings, condition }: Context,
  name: string,
  made: number,
  wanted: number,
): void {
  if (settings.runs !== undefined || made >= wanted) return
  condition(
    `${name}: time was up after ${made} of ${wanted} repetitions; --runs ${wanted} makes all`,
  )
}

/** Lets the event loop turn: freed memory goes back, and a signal is heard. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Bytes of a small page. */
export const PAGE = 4096

const mib = (bytes: number) => Math.floor(bytes / 2 ** 20)

/** What one experiment may take of a node where the user has not said how much. */
const SHARE = 1 / 4

/**
 * Bytes of a block, of which a node is to hold `blocks`: what the user asked for, else `wanted` where
 * there is memory for it. Throws where what was asked for would drive the machine out of memory.
 */
export function blockBytes(
  { settings, memoryOfEach }: Context,
  wanted: number,
  blocks: number,
): number {
  const { size } = settings
  if (size === undefined) return Math.floor(Math.min(wanted, (memoryOfEach * SHARE) / blocks))
  if (size * blocks > memoryOfEach) {
    throw new EmucxlError(
      'ERR_EMUCXL_NO_MEMORY',
      `${blocks} × ${mib(size)} MiB are more than the ${mib(memoryOfEach)} MiB that a node can give ` +
        'now: choose a smaller --size',
    )
  }
  return size
}

/**
 * Those of the sizes that {@link blockBytes} allows, in whole pages of 4 KiB; what the user asked for is
 * the largest.
 */
export function blockSizes(context: Context, sizes: readonly number[], blocks: number): number[] {
  const most = blockBytes(context, Math.max(...sizes), blocks)
  const pages = Math.max(1, Math.ceil(most / PAGE)) * PAGE
  if (context.settings.size === undefined) return sizes.filter((size) => size <= pages)
  return [...sizes.filter((size) => size < pages), pages]
}

/** The local node and the first remote one. */
export function twoNodes(cxl: Emucxl): { local: Node; remote: Node } {
  const [local, remote] = cxl.nodes
  if (local === undefined || remote === undefined) throw new Error('the context has one node only')
  return { local, remote }
}
