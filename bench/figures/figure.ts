// What the files of this folder have in common: a figure with its bound, measured in a process of its
// own, interleaved with what it is compared to.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { packageRoot } from '../../lib/memory/host.js'

/** One line of the report. */
export interface Row {
  what: string
  value: number
  unit: string
  /** What the value must reach; none for a line that only informs. */
  bound?: { atMost: number } | { atLeast: number }
  /** How it came about: counts, medians, what it was compared to. */
  detail?: string
}

/** The little addon of bench/floor: the same steps in bare C. */
export interface Floor {
  pair(size: number): void
  copy(to: ArrayBuffer, from: ArrayBuffer, size: number): void
  fill(address: ArrayBuffer, byte: number, size: number): void
  movePages(address: ArrayBuffer, size: number, node: number): number
}

export function loadFloor(): Floor {
  const require = createRequire(import.meta.url)
  return require(join(packageRoot, 'bench/floor/build/Release/floor.node')) as Floor
}

export function now(): number {
  return Number(process.hrtime.bigint())
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

/** Lets the event loop turn, twice: finalizers run in the first turn, what they left in the second. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * Runs each of the things in turn, `rounds` times after a tenth of that for warming up, and returns
 * the median ns of each.
 */
export async function interleave<Name extends string>(
  rounds: number,
  things: Record<Name, () => void | Promise<void>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(things) as Name[]
  const times = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = -Math.ceil(rounds / 10); round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      await turn()
      const began = now()
      await things[name]()
      if (round >= 0) times.get(name)?.push(now() - began)
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])])) as Record<
    Name,
    number
  >
}

/** Memory of the process by /proc/self: resident bytes, and the number of mappings. */
export function footprint(): { residentBytes: number; mappings: number } {
  const fs = process.getBuiltinModule('node:fs')
  const status = fs.readFileSync('/proc/self/status', 'utf8')
  return {
    residentBytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024,
    mappings: fs.readFileSync('/proc/self/maps', 'utf8').split('\n').length - 1,
  }
}

/** Measures in this process, and prints the rows as JSON: what main.ts reads. */
export async function report(measure: () => Promise<Row[]> | Row[]): Promise<void> {
  process.stdout.write(`${JSON.stringify(await measure())}\n`)
}

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB
