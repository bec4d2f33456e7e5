// Character devices that memory can come from: /dev/emucxl and the devdax devices.

import { readlinkSync, type Stats, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readFolder, readNumber, readText } from './machine.js'
import { PROBES, type Probes } from './probes.js'

/** A file in /dev. */
export interface DeviceFile {
  path: string
  present: boolean
  /** Permissions, as chmod(1) takes them: `0660`. */
  mode: string | null
  /** User and group: `root:emucxl`. */
  owner: string | null
  /** Whether this user can open it for reading and writing. */
  opens: boolean
  /** What keeps it from being opened. */
  reason: string | null
}

/** A device of the kernel's dax bus; sizes in bytes. */
export interface DaxDevice extends DeviceFile {
  name: string
  size: number | null
  align: number | null
  /** The NUMA node of the CPUs that are nearest to it. */
  numaNode: number | null
  /** The NUMA node that its memory has, or would have, as system memory. */
  targetNode: number | null
  /** `devdax`: mapped through its file. `system-ram`: given to the kernel, as a NUMA node. */
  use: 'devdax' | 'system-ram' | null
}

/** The name of a number in /etc/passwd or /etc/group, else the number. */
function nameOf(root: string, file: string, id: number): string {
  const lines = (readText(root, 'etc', file) ?? '').split('\n').map((line) => line.split(':'))
  return lines.find((fields) => Number(fields[2]) === id)?.[0] ?? String(id)
}

function whyNot(code: string, path: string): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `may not be opened by this user: join the group that owns it (ls -l ${path}), or run as root`
    case 'EBUSY':
      return 'is in use by another process'
    case 'ENXIO':
    case 'ENODEV':
      return 'has no driver behind it'
    default:
      return `cannot be opened: ${code}`
  }
}

/** Looks at a device and tries to open it, for no longer than that. */
export function readDeviceFile(
  path: string,
  root = '/',
  probes: Pick<Probes, 'openFile'> = PROBES,
): DeviceFile {
  const file = join(root, path)
  let status: Stats
  try {
    status = statSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'is not there' : `cannot be looked at: ${code}`
    return { path, present: false, mode: null, owner: null, opens: false, reason }
  }
  const found = {
    path,
    present: true,
    mode: `0${(status.mode & 0o7777).toString(8)}`,
    owner: `${nameOf(root, 'passwd', status.uid)}:${nameOf(root, 'group', status.gid)}`,
  }
  const error = probes.openFile(file)
  return { ...found, opens: error === null, reason: error === null ? null : whyNot(error, path) }
}

function useOf(folder: string): DaxDevice['use'] {
  try {
    const driver = basename(readlinkSync(join(folder, 'driver')))
    if (driver === 'kmem') return 'system-ram'
    return driver === 'device_dax' ? 'devdax' : null
  } catch {
    return null
  }
}

// Documentation/ABI/testing/sysfs-bus-dax: the driver is device_dax or kmem, or there is none.
function readDax(
  root: string,
  name: string,
  folder: string,
  probes: Pick<Probes, 'openFile'>,
): DaxDevice {
  const number = (attribute: string) => readNumber(folder, attribute) ?? null
  const use = useOf(folder)
  const targetNode = number('target_node')
  const file = readDeviceFile(`/dev/${name}`, root, probes)
  if (use === 'system-ram') file.reason = `is system memory now, on NUMA node ${targetNode}`
  return {
    name,
    size: number('size'),
    align: number('align'),
    numaNode: number('numa_node'),
    targetNode,
    use,
    ...file,
  }
}

/** The devices of the dax bus; kernels before 5.1 show them as a class. */
export function readDaxDevices(root = '/', probes: Pick<Probes, 'openFile'> = PROBES): DaxDevice[] {
  const folders = ['sys/bus/dax/devices', 'sys/class/dax'].map((folder) => join(root, folder))
  const folder = folders.find((path) => readFolder(path).length > 0)
  if (folder === undefined) return []
  return readFolder(folder)
    .filter((name) => /^dax\d/.test(name))
    .map((name) => readDax(root, name, join(folder, name), probes))
}
