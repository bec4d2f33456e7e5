// Lays out the files of a machine below a folder, for tests of what is read from sysfs and /proc.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Contents by path; `-> name` makes a symbolic link. */
export type Files = Record<string, string>

/** Writes the files into a new folder, which goes when the test ends. */
export function layOut(...trees: readonly Files[]): string {
  const root = mkdtempSync(join(tmpdir(), 'emucxl-machine-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const [path, contents] of trees.flatMap((files) => Object.entries(files))) {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    if (contents.startsWith('-> ')) symlinkSync(contents.slice(3), file)
    else writeFileSync(file, contents)
  }
  return root
}

const GIB = 2 ** 20 // in KiB, as sysfs counts

export interface NodeFiles {
  id: number
  cpus: string
  /** GiB */
  memory: number
  distances: string
}

/** /sys/devices/system/node of a machine; of each node's memory a quarter is free. */
export function nodes(...list: readonly NodeFiles[]): Files {
  const folder = 'sys/devices/system/node'
  const files: Files = { [`${folder}/online`]: `${list.map(({ id }) => id).join(',')}\n` }
  for (const { id, cpus, memory, distances } of list) {
    files[`${folder}/node${id}/cpulist`] = `${cpus}\n`
    files[`${folder}/node${id}/distance`] = `${distances}\n`
    files[`${folder}/node${id}/meminfo`] =
      `\nNode ${id} MemTotal:       ${memory * GIB} kB\nNode ${id} MemFree:        ${(memory * GIB) / 4} kB\n` +
      `Node ${id} MemUsed:        0 kB\nNode ${id} Inactive(file):  1024 kB\n`
  }
  return files
}

/** The thread runs on this CPU. Its name has what a name may have. */
export function runsOn(cpu: number): Files {
  const before = Array.from({ length: 35 }, (_, i) => i).join(' ')
  return { 'proc/self/stat': `4242 (no de) 1) R ${before} ${cpu} 0 0 0\n` }
}

/** A device of the dax bus; without a driver where that is ''. */
export function dax(
  name: string,
  size: number,
  node: number,
  driver: string,
  align = 2 ** 21,
): Files {
  const folder = `sys/bus/dax/devices/${name}`
  const files: Files = {
    [`${folder}/size`]: `${size}\n`,
    [`${folder}/align`]: `${align}\n`,
    [`${folder}/numa_node`]: '0\n',
    [`${folder}/target_node`]: `${node}\n`,
  }
  if (driver !== '') files[`${folder}/driver`] = `-> ../../../../bus/dax/drivers/${driver}`
  return files
}
