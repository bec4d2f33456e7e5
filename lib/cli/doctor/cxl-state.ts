// The CXL devices that sysfs shows: memory devices, regions, and what the firmware has decoded.
// Names: Documentation/ABI/testing/sysfs-bus-cxl of the kernel.

import { readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readFolder, readNumber, readText } from '../machine.js'

export interface CxlMemory {
  name: string
  /** Bytes of volatile and of persistent memory. */
  ram: number
  pmem: number
  /** The node of the CPUs that are nearest to it. */
  numaNode: number | null
  /** Whether part of it has an address of the machine; null where sysfs does not tell. */
  decoded: boolean | null
}

export interface CxlRegion {
  name: string
  size: number
  /** `ram` or `pmem`; null where sysfs does not tell. */
  mode: string | null
  /** The memory devices that it consists of. */
  members: string[]
  committed: boolean
  /** Whether a driver is bound to it. */
  enabled: boolean
}

export interface CxlState {
  memories: CxlMemory[]
  regions: CxlRegion[]
  /** Address windows of the platform that take volatile memory: root decoders. */
  ramWindows: string[]
  /** CXL memory devices on the PCI bus without a driver. */
  driverless: string[]
}

function linkName(...path: string[]): string | undefined {
  try {
    return basename(readlinkSync(join(...path)))
  } catch {
    return undefined
  }
}

/** The port of each memory device, by the device: its `uport` leads back to it. */
function endpoints(bus: string): Map<string, string> {
  const ports = readFolder(bus).filter((name) => /^endpoint\d+$/.test(name))
  return new Map(ports.map((port) => [linkName(bus, port, 'uport') ?? '', port]))
}

/** Whether an endpoint decodes addresses; before Linux 6.7 its decoders' sizes tell. */
function decodes(bus: string, endpoint: string | undefined): boolean | null {
  if (endpoint === undefined) return null
  const committed = readNumber(bus, endpoint, 'decoders_committed')
  if (committed !== undefined) return committed > 0
  const decoders = readFolder(bus).filter((name) =>
    name.startsWith(`decoder${endpoint.slice('endpoint'.length)}.`),
  )
  return decoders.some((name) => (readNumber(bus, name, 'size') ?? 0) > 0)
}

function readMemory(bus: string, name: string, endpoint: string | undefined): CxlMemory {
  return {
    name,
    ram: readNumber(bus, name, 'ram/size') ?? 0,
    pmem: readNumber(bus, name, 'pmem/size') ?? 0,
    numaNode: readNumber(bus, name, 'numa_node') ?? null,
    decoded: decodes(bus, endpoint),
  }
}

function readRegion(bus: string, name: string, ports: ReadonlyMap<string, string>): CxlRegion {
  const targets = readFolder(bus, name).filter((file) => /^target\d+$/.test(file))
  const decoders = targets.map((file) => readText(bus, name, file) ?? '')
  // Decoder 3.0 is the first of port 3, and a target's port is an endpoint.
  const memoryOf = (decoder: string) => {
    const port = `endpoint${/^decoder(\d+)\./.exec(decoder)?.[1]}`
    return [...ports].find(([, endpoint]) => endpoint === port)?.[0]
  }
  const members = decoders.map(memoryOf).filter((memory) => memory !== undefined)
  return {
    name,
    size: readNumber(bus, name, 'size') ?? 0,
    mode: readText(bus, name, 'mode') ?? null,
    members: [...new Set(members)],
    committed: readNumber(bus, name, 'commit') === 1,
    enabled: linkName(bus, name, 'driver') !== undefined,
  }
}

/** PCI's class of CXL memory devices: PCI_CLASS_MEMORY_CXL with its programming interface. */
const PCI_CLASS = '0x050210'

export function readCxl(root: string): CxlState {
  const bus = join(root, 'sys/bus/cxl/devices')
  const pci = join(root, 'sys/bus/pci/devices')
  const ports = endpoints(bus)
  const names = readFolder(bus)
  return {
    memories: names
      .filter((name) => /^mem\d+$/.test(name))
      .map((name) => readMemory(bus, name, ports.get(name))),
    regions: names
      .filter((name) => /^region\d+$/.test(name))
      .map((name) => readRegion(bus, name, ports)),
    ramWindows: names.filter(
      (name) =>
        readText(bus, name, 'devtype') === 'cxl_decoder_root' &&
        readNumber(bus, name, 'cap_ram') === 1,
    ),
    driverless: readFolder(pci).filter(
      (name) =>
        readText(pci, name, 'class') === PCI_CLASS && linkName(pci, name, 'driver') === undefined,
    ),
  }
}
