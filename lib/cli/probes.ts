// What has to be tried instead of read: the addon, backends, system calls, devices, limits of this
// Node.js. In one object, so that tests can say what becomes of each.

import { constants } from 'node:buffer'
import { closeSync, constants as modes, openSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import type { NumaCall } from '../memory/addon.js'
import type { BackendName } from '../memory/backends.js'
import type { EmucxlError } from '../memory/errors.js'
import type { NumaNode } from '../memory/topology.js'

export interface AddonInfo {
  loaded: boolean
  /** The file that it was loaded from; null where it was not. */
  file: string | null
  /** The version of Node-API that it was built for. */
  nodeApi: number | null
  /** Why it was not loaded, and what to run. */
  reason: string | null
}

export interface BackendInfo {
  name: BackendName
  /** Whether it can be asked for by name. */
  available: boolean
  /** What keeps it from running, and the remedy. */
  reason: string | null
  /** Why `auto` does not take it, though it is available. */
  note: string | null
}

/** What the addon finds; without it nothing is available. */
export interface NativeState {
  addon: AddonInfo
  libnuma: { available: boolean; reason: string | null }
  backends: BackendInfo[]
  /** The backend that `auto` takes; null where the addon is not loaded. */
  auto: BackendName | null
}

/** The error of each NUMA call, as `EPERM`; null where it works. */
export type NumaCalls = Record<NumaCall, string | null>

export interface BufferLimits {
  /** Bytes of the largest ArrayBuffer. */
  largest: number
  /** Why no ArrayBuffer can be laid over memory that V8 has not allocated; null where one can. */
  refused: string | null
  /** Whether a SharedArrayBuffer can be. */
  shared: boolean
}

export interface Probes {
  native(nodes: readonly NumaNode[], devicePath: string): Promise<NativeState>
  /** Opens a file for reading and writing, and closes it: the error's code, or null. */
  openFile(path: string): string | null
  /** Null where the addon is not loaded. */
  numaCalls(): Promise<NumaCalls | null>
  /** Null where the addon is not loaded. */
  bufferLimits(): Promise<BufferLimits | null>
  isRoot(): boolean
}

/** What `use` makes of the addon, or `without` of the reason why it cannot be loaded. */
async function withAddon<T>(
  use: (module: typeof import('../memory/addon.js')) => T | Promise<T>,
  without: (reason: string) => T,
): Promise<T> {
  let module: typeof import('../memory/addon.js')
  try {
    module = await import('../memory/addon.js')
  } catch (error) {
    if ((error as EmucxlError).code !== 'ERR_EMUCXL_LOAD') throw error
    return without((error as Error).message)
  }
  return use(module)
}

function withoutNative(why: string): NativeState {
  const reason = 'the native addon is not loaded'
  return {
    addon: { loaded: false, file: null, nodeApi: null, reason: why },
    libnuma: { available: false, reason },
    backends: (['device', 'numa', 'emulated'] as const).map((name) => ({
      name,
      available: false,
      reason,
      note: null,
    })),
    auto: null,
  }
}

async function inspectNative(
  { ADDON_NODE_API, addonFile }: typeof import('../memory/addon.js'),
  nodes: readonly NumaNode[],
  devicePath: string,
): Promise<NativeState> {
  const { chooseBackend, inspectBackends, obstacle } = await import('../memory/backends.js')
  const states = inspectBackends(nodes, devicePath)
  const withoutLibnuma = obstacle('libnuma', devicePath) ?? null
  return {
    addon: { loaded: true, file: addonFile, nodeApi: ADDON_NODE_API, reason: null },
    libnuma: { available: withoutLibnuma === null, reason: withoutLibnuma },
    backends: states.map(({ name, available, reason, note }) => ({
      name,
      available,
      reason: reason ?? null,
      note: note ?? null,
    })),
    auto: chooseBackend(states),
  }
}

async function refusal(): Promise<string | null> {
  const { Emucxl, LOCAL_MEMORY } = await import('../memory/emucxl.js')
  const cxl = Emucxl.open({ backend: 'emulated' })
  try {
    cxl.free(cxl.alloc(1, LOCAL_MEMORY))
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    cxl.close()
  }
}

/** Those of the running process. */
export const PROBES: Probes = {
  native: (nodes, devicePath) =>
    withAddon((module) => inspectNative(module, nodes, devicePath), withoutNative),
  openFile(path) {
    try {
      closeSync(openSync(path, modes.O_RDWR | modes.O_NONBLOCK))
      return null
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    }
  },
  numaCalls: () =>
    withAddon(
      ({ addon }) => {
        const named = ([call, errno]: [string, number]) =>
          [call, errno === 0 ? null : getSystemErrorName(-errno)] as const
        return Object.fromEntries(Object.entries(addon.tryNumaCalls()).map(named)) as NumaCalls
      },
      () => null,
    ),
  bufferLimits: () =>
    withAddon(
      async ({ addon }) => ({
        largest: constants.MAX_LENGTH,
        refused: await refusal(),
        shared: addon.wrapsShared(),
      }),
      () => null,
    ),
  isRoot: () => process.getuid?.() === 0,
}
