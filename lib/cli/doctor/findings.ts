// What `emucxl doctor` says of a machine: findings, each of one check, and the report of all.

import type { InfoReport } from '../inventory.js'
import type { BufferLimits, NumaCalls } from '../probes.js'
import type { CxlState } from './cxl-state.js'
import type { SystemState } from './system-state.js'

/** Nothing to do, something to know before one trusts a figure or a setting, something to mend. */
export type Level = 'good' | 'note' | 'problem'

export const SECTIONS = [
  'emucxl',
  'NUMA nodes',
  'NUMA calls',
  'Kernel module',
  'CXL and dax devices',
  'What the kernel moves by itself',
  'Pages and swap',
  'Node.js',
] as const

export type Section = (typeof SECTIONS)[number]

/** What a finding can be about. Some come once for each device or node. */
export const FINDING_IDS = [
  'addon',
  'backend',
  'container',
  'nodes',
  'node-memory',
  'node-allowed',
  'node-zone',
  'libnuma',
  'numa-calls',
  'device',
  'cxl-driver',
  'cxl-memory',
  'cxl-region',
  'dax-mode',
  'dax-node',
  'dax-size',
  'dax-permission',
  'auto-online',
  'numa-balancing',
  'demotion',
  'memory-tiers',
  'weighted-interleave',
  'transparent-huge-pages',
  'huge-page-pool',
  'max-map-count',
  'swap',
  'array-buffer',
  'shared-memory',
] as const

export type FindingId = (typeof FINDING_IDS)[number]

export interface Finding {
  id: FindingId
  section: Section
  level: Level
  /** Sentences for people; the words may change with any version. */
  text: string
  /**
   * A command that mends or changes it, to be typed as it stands, with sudo where this user is not root.
   * Only `…` stands for words of the user's own.
   */
  remedy?: string
}

/** What `emucxl doctor --json` prints. */
export interface DoctorReport {
  /** The package's version. */
  version: string
  /** How many findings there are of each level. */
  summary: { good: number; notes: number; problems: number }
  /** By section. */
  findings: Finding[]
}

/** All that the checks are made of. */
export interface Examined {
  info: InfoReport
  system: SystemState
  cxl: CxlState
  /** Null where the addon is not loaded. */
  calls: NumaCalls | null
  /** Null where the addon is not loaded. */
  buffers: BufferLimits | null
}

/** What a check finds; where it stands is not its business. */
export type Found = Omit<Finding, 'section'>

export type Check = (examined: Examined) => Found[]

export function found(id: FindingId, level: Level, text: string, remedy?: string): Found {
  return remedy === undefined ? { id, level, text } : { id, level, text, remedy }
}
