// The backends that run here, for tests that hold on each of them. One that does not run is skipped,
// and says why.

import { type BackendName, Emucxl, type OpenOptions } from 'emucxl'
import { describe } from 'vitest'
import { obstacle } from '../../dist/lib/memory/backends.js'
import { DEVICE, hasModule } from '../fuzz/device.js'

/** How many times slower this machine is than others: random tests make so many times fewer runs. */
export const SLOWNESS = Number(process.env['EMUCXL_SLOWNESS'] ?? 1)

export interface BackendHere {
  name: BackendName
  /** Opens a context on it; its NUMA nodes are those that the options, or emucxl, choose. */
  open: (options?: OpenOptions) => Emucxl
  options: OpenOptions
  hugePages: boolean
  /** Whether pages have their memory from the start, not from the first access on. */
  eager: boolean
}

const here = (name: BackendName): BackendHere => {
  const options: OpenOptions =
    name === 'device' ? { backend: name, devicePath: DEVICE } : { backend: name }
  return {
    name,
    options,
    open: (more) => Emucxl.open({ ...options, ...more }),
    hugePages: name !== 'device' || hasModule,
    eager: name === 'device' && hasModule,
  }
}

/** EMUCXL_BACKENDS: the backends that are asked for, with commas; all by default. */
const asked = process.env['EMUCXL_BACKENDS']?.split(',')

/** Defines tests once for each backend. */
export function eachBackend(define: (backend: BackendHere) => void): void {
  for (const name of ['emulated', 'numa', 'device'] as const) {
    if (asked !== undefined && !asked.includes(name)) continue
    const reason = obstacle(name, DEVICE)
    if (reason === undefined) {
      describe(`on ${name}`, () => define(here(name)))
    } else {
      console.log(`skipped: backend '${name}' does not run here: ${reason}`)
      describe.skip(`on ${name} (${reason})`, () => define(here(name)))
    }
  }
}
