// The machine under the figures: CPU, caches, kernel, and whether it is a virtual one. Every path is
// taken below `root`, so that tests can lay out a machine in a folder.

import { readdirSync, readFileSync } from 'node:fs'
import { arch, cpus, release } from 'node:os'
import { join } from 'node:path'
import { libc } from '../memory/host.js'
import { parseList } from '../memory/topology.js'

export interface Machine {
  /** The CPU's model name. */
  cpu: string
  /** CPUs that are online. */
  cpus: number
  arch: string
  /** Bytes of one last-level cache; 0 where sysfs does not tell. */
  lastLevelCache: number
  /** What it runs under; null for a physical machine, or where nothing gives it away. */
  virtualMachine: string | null
  kernel: string
  /** The C library and its version. */
  libc: string
  /** The version of Node.js. */
  node: string
}

/** The file's text without white space around it; undefined where it cannot be read. */
export function readText(...path: string[]): string | undefined {
  try {
    return readFileSync(join(...path), 'utf8').trim()
  } catch {
    return undefined
  }
}

/** The number in a file, decimal or 0x…; undefined where there is none. */
export function readNumber(...path: string[]): number | undefined {
  const text = readText(...path)
  return text !== undefined && /^(-?\d+|0x[\da-f]+)$/i.test(text) ? Number(text) : undefined
}

/** Names in a folder, in order; none where it is not there. */
export function readFolder(...path: string[]): string[] {
  try {
    return readdirSync(join(...path)).sort()
  } catch {
    return []
  }
}

const UNITS: Record<string, number> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

function lastLevelCache(root: string): number {
  const folder = join(root, 'sys/devices/system/cpu/cpu0/cache')
  const caches = readFolder(folder).map((name) => {
    const match = /^(\d+)([KMG]?)$/.exec(readText(folder, name, 'size') ?? '')
    return {
      level: Number(readText(folder, name, 'level') ?? 0),
      bytes: match === null ? 0 : Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1),
    }
  })
  return caches.sort((a, b) => b.level - a.level)[0]?.bytes ?? 0
}

/** The value of a field of /proc/cpuinfo, of the first CPU. */
function cpuField(text: string, field: string): string | undefined {
  return new RegExp(`^${field}\\s*:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim()
}

const CLOCKS: readonly (readonly [RegExp, string])[] = [
  [/\bkvm-clock\b/, 'KVM'],
  [/\bhyperv_/, 'Hyper-V'],
  [/\bxen\b/, 'Xen'],
]

function virtualMachine(root: string, cpuinfo: string, cpu: string): string | null {
  // QEMU's translator names itself in the CPU model, whatever else it hides.
  if (/\bTCG\b/.test(cpu)) return 'QEMU TCG'
  const dmi = join(root, 'sys/class/dmi/id')
  const product = `${readText(dmi, 'sys_vendor') ?? ''} ${readText(dmi, 'product_name') ?? ''}`
  const known = /QEMU|KVM|VMware|VirtualBox|Xen|Virtual Machine|Amazon EC2|Google Compute/
  const flagged = /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo)
  // Clouds rent physical servers under the same names: on x86 the CPU's flag decides.
  const x86 = /^flags\s*:/m.test(cpuinfo)
  if (x86 && !flagged) return null
  if (known.test(product)) return product.trim()
  const clocks =
    readText(root, 'sys/devices/system/clocksource/clocksource0/available_clocksource') ?? ''
  const byClock = CLOCKS.find(([pattern]) => pattern.test(clocks))?.[1]
  return byClock ?? (flagged ? 'unidentified hypervisor' : null)
}

/** The CPU in a line: model, number, and what it runs under. */
export function cpuText({ cpu, cpus: count, virtualMachine: under }: Machine): string {
  const virtual = under === null ? '' : `, virtual machine (${under})`
  return `${cpu}, ${count} ${count === 1 ? 'CPU' : 'CPUs'}${virtual}`
}

/** Reads what is known about the machine. */
export function readMachine(root = '/'): Machine {
  const cpuinfo = readText(root, 'proc/cpuinfo') ?? ''
  const cpu = cpuField(cpuinfo, 'model name') ?? cpus()[0]?.model ?? 'unknown'
  const online = parseList(readText(root, 'sys/devices/system/cpu/online') ?? '')
  return {
    cpu,
    cpus: online.length || cpus().length,
    arch: arch(),
    lastLevelCache: lastLevelCache(root),
    virtualMachine: virtualMachine(root, cpuinfo, cpu),
    kernel: readText(root, 'proc/sys/kernel/osrelease') ?? release(),
    libc: libc(),
    node: process.version,
  }
}
