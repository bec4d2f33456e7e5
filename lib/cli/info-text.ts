// The report of `emucxl info` as text for people, no line longer than the terminal is wide.

import type { DaxDevice, DeviceFile } from './devices.js'
import type { InfoReport, Limit, NodeInfo } from './inventory.js'
import { cpuText } from './machine.js'
import { align, figure, wrap } from './table.js'
import { bytesText, listText } from './units.js'

const INDENT = '  '

/** Names to the left, and what is to be said of each, wrapped, to the right. */
function pairs(entries: readonly (readonly [string, string])[], width: number): string {
  const widest = Math.max(...entries.map(([name]) => name.length))
  const hang = ' '.repeat(INDENT.length + widest + 2)
  return entries
    .map(([name, text]) => {
      const [first = '', ...more] = text.split('\n')
      const lines = [wrap(first, width, hang, `${INDENT}${name.padEnd(widest)}  `)]
      // Lines of a message that has its own come as they are.
      return [...lines, ...more.map((line) => `${hang}${line}`)].map((line) => `${line}\n`).join('')
    })
    .join('')
}

function machineText({ version, addon, machine, limits }: InfoReport, width: number): string {
  const loaded = `${addon.file} (built for Node-API ${addon.nodeApi})`
  return pairs(
    [
      ['emucxl', version],
      ['addon', addon.loaded ? loaded : `not loaded. ${addon.reason}`],
      [
        'Node.js',
        `${machine.node}, Node-API ${process.versions['napi']}, ` +
          `ArrayBuffers up to ${bytesText(limits.largestArrayBuffer)}`,
      ],
      ['system', `Linux ${machine.kernel}, ${machine.arch}, ${machine.libc}`],
      [
        'CPU',
        `${cpuText(machine)}; last-level cache ` +
          (machine.lastLevelCache === 0 ? 'unknown' : bytesText(machine.lastLevelCache)),
      ],
    ],
    width,
  )
}

/** CPUs come last and are wrapped: on some machines every second number is on the other node. */
function nodesText(nodes: readonly NodeInfo[], width: number): string {
  const ids = nodes.map(({ id }) => id)
  const heads = ['node', 'role', 'memory', 'free', ...ids.map((id) => `to ${id}`), 'CPUs']
  const lines = nodes.map((node) => [
    String(node.id),
    node.roles.join(', ') || (node.allowed ? '–' : 'forbidden (cpuset)'),
    node.memoryTotal === 0 ? 'none' : bytesText(node.memoryTotal),
    node.memoryTotal === 0 ? '–' : bytesText(node.memoryFree),
    ...ids.map((id) => String(node.distances[id] ?? '–')),
  ])
  const right = [true, false, true, true, ...ids.map(() => true), false]
  const laid = align([heads, ...lines], right).split('\n')
  const hang = (laid[0] ?? '').indexOf('CPUs')
  return laid
    .map((line, i) => {
      const node = nodes[i - 1]
      if (node === undefined) return `${line}\n`
      const cpus = node.cpus.length === 0 ? 'none' : listText(node.cpus).replaceAll(',', ', ')
      return `${wrap(cpus, width, ' '.repeat(hang), line.padEnd(hang))}\n`
    })
    .slice(0, nodes.length + 1)
    .join('')
}

function backendsText({ backends, auto }: InfoReport, width: number): string {
  if (auto === null) return `${INDENT}unknown: the native addon is not loaded\n`
  const entries = backends.map(({ name, available, reason, note }) => {
    if (!available) return [name, `not available: ${reason}`] as const
    if (name === auto) return [name, 'available, taken by auto'] as const
    return [name, `available${note === null ? '' : `, but not for auto: ${note}`}`] as const
  })
  return pairs(entries, width)
}

function fileText(file: DeviceFile): string {
  if (!file.present) return file.reason ?? 'is not there'
  return `${file.mode} ${file.owner}, ${file.opens ? 'can be opened' : file.reason}`
}

function daxText(dax: DaxDevice): string {
  const size = dax.size === null ? 'size unknown' : bytesText(dax.size)
  const aligned = dax.align === null ? '' : `, aligned to ${bytesText(dax.align)}`
  const target = dax.targetNode === null ? '' : `, NUMA node ${dax.targetNode}`
  if (dax.use === 'system-ram') return `${size}${aligned}; ${dax.reason}`
  return `${size}${aligned}${target}; ${fileText(dax)}`
}

function devicesText({ device, devdax, libnuma, addon }: InfoReport, width: number): string {
  const entries: [string, string][] = [
    [device.path, fileText(device)],
    ...devdax.map((dax): [string, string] => [dax.path, daxText(dax)]),
  ]
  if (devdax.length === 0) entries.push(['devdax', 'no devices'])
  const missing = `${addon.loaded ? '' : 'unknown: '}${libnuma.reason}`
  entries.push(['libnuma', libnuma.available ? 'found' : missing])
  return pairs(entries, width)
}

function limitText(limit: Limit): string {
  if (limit === null) return 'unknown'
  return limit === 'unlimited' ? limit : bytesText(limit)
}

function limitsText({ limits }: InfoReport, width: number): string {
  const { transparentHugePages, hugePools, maxMapCount, lockedMemory } = limits
  const pools = hugePools.map(({ pageSize, total, free }) => {
    const size = bytesText(pageSize)
    return total === 0 ? `none of ${size}` : `${figure(free)} of ${figure(total)} of ${size} free`
  })
  return pairs(
    [
      ['transparent huge pages', transparentHugePages ?? 'not in this kernel'],
      ['huge pages, reserved', pools.length === 0 ? 'none' : pools.join('; ')],
      [
        'mappings of a process',
        maxMapCount === null ? 'unknown' : `up to ${figure(maxMapCount)} (vm.max_map_count)`,
      ],
      [
        'locked memory',
        `up to ${limitText(lockedMemory.soft)} (ulimit -l), can be raised to ${limitText(lockedMemory.hard)}`,
      ],
    ],
    width,
  )
}

/** The whole report. */
export function describe(report: InfoReport, width: number): string {
  return [
    machineText(report, width),
    `NUMA nodes, and the distance to each\n${nodesText(report.nodes, width)}`,
    `Backends\n${backendsText(report, width)}`,
    `Devices and libraries\n${devicesText(report, width)}`,
    `Pages and limits\n${limitsText(report, width)}`,
  ].join('\n')
}
