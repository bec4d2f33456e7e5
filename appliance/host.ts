// The host: the programs that the appliance needs, and the nodes that its memory comes from.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { packageRoot } from '../lib/memory/host.js'
import { chooseRoles, type NumaNode, readTopology } from '../lib/memory/topology.js'
import { KEYRING } from './debian.js'
import { type HostNodes, QEMU } from './qemu.js'

/** scripts/programs.mjs, which runs before there is any TypeScript to run. */
interface Programs {
  needPrograms(programs: Record<string, string>, options: { required: boolean }): boolean
  onPath(program: string): boolean
}

/** For everything: programs and files by the Debian package that brings them. */
const NEEDED = {
  [QEMU]: 'qemu-system-x86',
  gcc: 'gcc',
  make: 'make',
  xz: 'xz-utils',
  '/usr/include/x86_64-linux-gnu/asm/types.h': 'libc6-dev',
  [KEYRING]: 'debian-archive-keyring',
}

async function programs(): Promise<Programs> {
  const path = pathToFileURL(join(packageRoot, 'scripts/programs.mjs')).href
  return (await import(path)) as Programs
}

/** Installs what is missing, or names it and ends the process. */
export async function needPrograms(wanted: Readonly<Record<string, string>>): Promise<void> {
  const { needPrograms: need } = await programs()
  need(wanted, { required: true })
}

/** The same, for what every use of the appliance takes. */
export async function needHostPrograms(): Promise<void> {
  if (process.arch !== 'x64') {
    throw new Error(`the virtual machine runs on x64 hosts only, and this is ${process.arch}`)
  }
  const { onPath } = await programs()
  if (!onPath('apt-get') || !onPath('dpkg-deb')) {
    throw new Error(
      'the virtual machine is made of Debian packages, which takes apt-get and dpkg-deb',
    )
  }
  await needPrograms(NEEDED)
}

/**
 * Two nodes of the host for the guest's two, so that its remote memory is really farther than its
 * local one. Undefined on a host with one node.
 */
export function hostNodes(nodes: readonly NumaNode[] = readTopology()): HostNodes | undefined {
  const cpu = nodes.find((node) => node.cpus.length > 0)?.cpus[0] ?? 0
  const { local, remote } = chooseRoles(nodes, cpu)
  const [first = local] = remote
  return first === local ? undefined : { local, remote: first }
}
