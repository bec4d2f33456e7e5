// Examines a machine: reads it, tries what has to be tried, and puts the checks together.

import { takeInventory } from '../inventory.js'
import { PROBES, type Probes } from '../probes.js'
import { CALL_CHECKS } from './calls.js'
import { CXL_CHECKS } from './cxl.js'
import { readCxl } from './cxl-state.js'
import { DAX_CHECKS } from './dax.js'
import { DEVICE_CHECKS } from './device.js'
import {
  type Check,
  type DoctorReport,
  type Examined,
  type Finding,
  type Level,
  SECTIONS,
  type Section,
} from './findings.js'
import { NODE_JS_CHECKS } from './node-js.js'
import { NODE_CHECKS } from './nodes.js'
import { PAGE_CHECKS } from './pages.js'
import { SETUP_CHECKS } from './setup.js'
import { readSystem } from './system-state.js'
import { TIERING_CHECKS } from './tiering.js'

const CHECKS: Record<Section, readonly Check[]> = {
  emucxl: SETUP_CHECKS,
  'NUMA nodes': NODE_CHECKS,
  'NUMA calls': CALL_CHECKS,
  'Kernel module': DEVICE_CHECKS,
  'CXL and dax devices': [...CXL_CHECKS, ...DAX_CHECKS],
  'What the kernel moves by itself': TIERING_CHECKS,
  'Pages and swap': PAGE_CHECKS,
  'Node.js': NODE_JS_CHECKS,
}

function judge(examined: Examined): Finding[] {
  return SECTIONS.flatMap((section) =>
    CHECKS[section].flatMap((check) =>
      check(examined).map(({ id, ...rest }) => ({ id, section, ...rest })),
    ),
  )
}

/** `devicePath` is absolute, below `root`. */
export async function examine(
  devicePath: string,
  root = '/',
  probes: Probes = PROBES,
): Promise<DoctorReport> {
  const info = await takeInventory(devicePath, root, probes)
  const findings = judge({
    info,
    system: readSystem(info.nodes, root, probes.isRoot()),
    cxl: readCxl(root),
    calls: await probes.numaCalls(),
    buffers: await probes.bufferLimits(),
  })
  const count = (of: Level) => findings.filter(({ level }) => level === of).length
  return {
    version: info.version,
    summary: { good: count('good'), notes: count('note'), problems: count('problem') },
    findings,
  }
}
