// Checks of the CXL devices: whether the kernel drives them, and whether their memory has addresses.

import { bytesText } from '../units.js'
import type { CxlMemory, CxlRegion } from './cxl-state.js'
import { type Check, type Examined, type Found, found } from './findings.js'
import { asRoot, withTool } from './remedies.js'

const checkDriver: Check = ({ cxl: { driverless }, system }) => {
  if (driverless.length === 0) return []
  const text = `CXL memory without a driver on PCI: ${driverless.join(', ')}`
  const modules = asRoot(system, 'modprobe -a cxl_acpi cxl_port cxl_mem cxl_pci')
  return [found('cxl-driver', 'problem', text, modules)]
}

function sizes({ ram, pmem }: CxlMemory): string {
  const parts = [
    ...(ram > 0 ? [`${bytesText(ram)} volatile`] : []),
    ...(pmem > 0 ? [`${bytesText(pmem)} persistent`] : []),
  ]
  return parts.join(' and ') || 'no memory'
}

/** cxl-create-region(1): the window must be named. */
function region({ cxl: { ramWindows }, system }: Examined, name: string): string | undefined {
  const window = ramWindows[0]
  if (window === undefined) return undefined
  return withTool(system, 'cxl', `create-region -t ram -d ${window} -m ${name}`)
}

function ofMemory(examined: Examined, memory: CxlMemory): Found {
  const { name, numaNode, decoded } = memory
  const near = numaNode === null || numaNode < 0 ? '' : `, near node ${numaNode}`
  const what = `${name}: ${sizes(memory)}${near}`
  const inRegion = examined.cxl.regions.find(({ members }) => members.includes(name))
  if (inRegion !== undefined) {
    return found('cxl-memory', 'good', `${what}, in ${inRegion.name}`)
  }
  if (decoded) return found('cxl-memory', 'good', `${what}, set up by the firmware`)
  if (decoded === null) {
    const text = `${what}. sysfs does not tell whether it is used: it shows no endpoint of it`
    return found('cxl-memory', 'note', text)
  }
  if (memory.ram === 0) return found('cxl-memory', 'note', `${what}, in no region`)
  const remedy = region(examined, name)
  const why = remedy === undefined ? ', and the platform shows no window for volatile memory' : ''
  return found('cxl-memory', 'problem', `${what}, in no region: nothing can use it${why}`, remedy)
}

const checkMemories: Check = (examined) => {
  const { memories, driverless } = examined.cxl
  if (memories.length === 0 && driverless.length === 0) {
    return [found('cxl-memory', 'good', 'sysfs shows no CXL memory: nothing to set up')]
  }
  return memories.map((memory) => ofMemory(examined, memory))
}

function ofRegion(
  { system }: Examined,
  { name, size, mode, committed, enabled }: CxlRegion,
): Found {
  const what = `${name}: ${bytesText(size)}${mode === null ? '' : ` of ${mode}`}`
  if (!committed || !enabled) {
    const state = committed ? 'without a driver' : 'not committed'
    const remedy = withTool(system, 'cxl', `enable-region ${name}`)
    return found('cxl-region', 'problem', `${what}, ${state}: it is no memory yet`, remedy)
  }
  if (mode === 'pmem') {
    const text = `${what}, in use as persistent memory: a namespace of mode devdax makes a dax device of it`
    return found('cxl-region', 'note', text, asRoot(system, 'ndctl create-namespace --mode=devdax'))
  }
  return found('cxl-region', 'good', `${what}, in use`)
}

const checkRegions: Check = (examined) => examined.cxl.regions.map((one) => ofRegion(examined, one))

export const CXL_CHECKS: readonly Check[] = [checkDriver, checkMemories, checkRegions]
