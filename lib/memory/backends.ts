// Which backends can run on this machine, and which one `auto` takes.

import { addon } from './addon.js'
import { EmucxlError } from './errors.js'
import { isUsable, type NumaNode } from './topology.js'

/** What maps the pages: the kernel module, the kernel's NUMA policies, or ordinary memory. */
export type BackendName = 'device' | 'numa' | 'emulated'

export const BACKENDS: readonly BackendName[] = ['device', 'numa', 'emulated']

export const DEVICE_PATH = '/dev/emucxl'

export interface BackendState {
  name: BackendName
  /** Whether it can be asked for by name. */
  available: boolean
  /** What keeps it from running, and the remedy. */
  reason?: string
  /** Why `auto` does not take it, though it is available. */
  note?: string
}

/** What keeps a backend, or libnuma, from running here; undefined where nothing does. */
export function obstacle(what: BackendName | 'libnuma', devicePath: string): string | undefined {
  try {
    addon.probe(what, devicePath)
    return undefined
  } catch (error) {
    if (error instanceof EmucxlError) return error.message
    throw error
  }
}

/** Tries each backend, in the order in which `auto` does. */
export function inspectBackends(
  nodes: readonly NumaNode[],
  devicePath: string = DEVICE_PATH,
): BackendState[] {
  return BACKENDS.map((name) => {
    const reason = obstacle(name, devicePath)
    if (reason !== undefined) return { name, available: false, reason }
    if (name === 'numa' && nodes.filter(isUsable).length < 2) {
      const forbidden = nodes.filter((node) => !node.allowed)
      const which =
        forbidden.length === 0
          ? 'this machine has one NUMA node with memory'
          : `the cpuset of this process forbids NUMA node ${forbidden.map(({ id }) => id).join(', ')}`
      return { name, available: true, note: `${which}: local and remote are the same` }
    }
    return { name, available: true }
  })
}

/** The backend that `auto` takes. */
export function chooseBackend(states: readonly BackendState[]): BackendName {
  const chosen = states.find((state) => state.available && state.note === undefined)
  return chosen?.name ?? 'emulated'
}

/** Says once in a process that memory is only emulated, and what keeps the real thing away. */
export function announceFallback(states: readonly BackendState[]): void {
  if (!addon.isFirst()) return
  const why = states
    .filter(({ name }) => name !== 'emulated')
    .map(({ name, reason, note }) => `${name}: ${reason ?? note}`)
    .join('; ')
  process.emitWarning(
    `remote memory is emulated in local memory, nothing measured on it says anything about CXL. ` +
      `${why}. To choose this and not be told, ask for backend 'emulated'.`,
    { type: 'EmucxlWarning', code: 'EMUCXL_EMULATED' },
  )
}
