// Commands that mend what the doctor finds, for this user and this distribution.

import type { SystemState } from './system-state.js'

/** A command that only root may run. */
export function asRoot({ isRoot }: SystemState, command: string): string {
  return isRoot ? command : `sudo ${command}`
}

/** Writes a value into files of sysfs; a shell's `>` would open them without sudo's rights. */
export function write(system: SystemState, value: string, files: string): string {
  return `echo ${value} | ${asRoot(system, 'tee')} ${files}`
}

export function sysctl(system: SystemState, setting: string): string {
  return asRoot(system, `sysctl -w ${setting}`)
}

/** What a distribution calls a package, where it is not the name here. */
const PACKAGES = {
  libnuma: {
    apt: 'libnuma1',
    dnf: 'numactl-libs',
    zypper: 'libnuma1',
    pacman: 'numactl',
    apk: 'numactl',
  },
  daxctl: { apt: 'daxctl', dnf: 'daxctl', zypper: 'ndctl', pacman: 'ndctl', apk: 'ndctl' },
  cxl: { apt: 'cxl', dnf: 'cxl-cli', zypper: 'ndctl', pacman: 'ndctl', apk: 'ndctl' },
} as const

const INSTALL = {
  apt: 'apt install',
  dnf: 'dnf install',
  zypper: 'zypper install',
  pacman: 'pacman -S',
  apk: 'apk add',
} as const

/** Undefined on a distribution that is not known. */
export function install(system: SystemState, what: keyof typeof PACKAGES): string | undefined {
  const manager = system.packageManager
  if (manager === null) return undefined
  return asRoot(system, `${INSTALL[manager]} ${PACKAGES[what][manager]}`)
}

/** Commands of daxctl or cxl, one after the other; first it is installed where it is missing. */
export function withTool(
  system: SystemState,
  tool: 'daxctl' | 'cxl',
  ...commands: readonly string[]
): string {
  const first = system.programs[tool] ? undefined : install(system, tool)
  const steps = commands.map((command) => asRoot(system, `${tool} ${command}`))
  return [...(first === undefined ? [] : [first]), ...steps].join(' && ')
}

/** Starts the container anew with an option; undefined outside of one, and where that is no command. */
export function restarted({ container }: SystemState, option: string): string | undefined {
  if (container === 'Docker' || container === 'Podman') {
    return `${container.toLowerCase()} run ${option} …`
  }
  return undefined
}
