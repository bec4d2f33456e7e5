// Checks of emucxl itself, and of where it runs: the addon, the backend that it takes, the container.

import { buildCommand, commandLine } from '../../memory/host.js'
import { isUsable } from '../../memory/topology.js'
import { type Check, found } from './findings.js'

const checkAddon: Check = ({ info: { addon } }) => {
  if (addon.loaded) return [found('addon', 'good', `the native addon is loaded: ${addon.file}`)]
  const command = buildCommand()
  const lines = addon.reason?.split('\n').filter((line) => !line.includes(command)) ?? []
  return [found('addon', 'problem', lines.join('\n'), command)]
}

const checkBackend: Check = (examined) => {
  const { info, system } = examined
  if (info.auto === null) return []
  if (info.auto !== 'emulated') {
    return [
      found(
        'backend',
        'good',
        `auto takes the backend ${info.auto}: remote memory is on a node of its own`,
      ),
    ]
  }
  const usable = info.nodes.filter(isUsable).length
  const same = 'on the backend emulated, where local and remote are the same memory'
  if (usable > 1) {
    const text = `everything runs ${same}, though ${usable} nodes have some: what is below keeps the others away`
    return [found('backend', 'note', text)]
  }
  const shell = 'A virtual machine has two nodes'
  const runs = process.arch === 'x64' && system.packageManager === 'apt'
  return runs
    ? [found('backend', 'note', `everything runs, ${same}. ${shell}:`, commandLine('vm shell'))]
    : [found('backend', 'note', `everything runs, ${same}. ${shell}: docs/appliance.md`)]
}

const checkContainer: Check = ({ system: { container } }) => {
  if (container === null) return []
  const text = `this is a ${container} container: sysctl, /sys and modules are the host’s, to be changed there`
  return [found('container', 'note', text)]
}

export const SETUP_CHECKS: readonly Check[] = [checkAddon, checkBackend, checkContainer]
