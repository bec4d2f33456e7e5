// Checks of what the backend numa needs: libnuma, and system calls that a container can forbid.

import { isUsable } from '../../memory/topology.js'
import { type Check, type Examined, found } from './findings.js'
import { install, restarted } from './remedies.js'

/** Whether something is lost where the backend numa cannot run. */
function needsNuma({ info: { nodes, auto } }: Examined): boolean {
  return nodes.filter(isUsable).length > 1 && auto !== 'device'
}

const checkLibnuma: Check = (examined) => {
  const { info, system } = examined
  if (!info.addon.loaded) return []
  const { available, reason } = info.libnuma
  if (available) return [found('libnuma', 'good', 'libnuma is found')]
  const needed = needsNuma(examined)
  // Of its own messages only these two are about the library: the others are about system calls.
  const absent = /^libnuma\.so\.1 (not found|lacks)/.exec(reason ?? '')
  const text = absent === null ? `libnuma: ${reason}` : (reason?.split(':')[0] ?? '')
  const use = needed
    ? ', which the backend numa needs'
    : ', which only a machine with two nodes needs'
  return [
    found(
      'libnuma',
      needed ? 'problem' : 'note',
      `${text}${absent === null ? '' : use}`,
      absent === null ? undefined : install(system, 'libnuma'),
    ),
  ]
}

/** Those without which the backend numa does not run. */
const NEEDED = ['get_mempolicy', 'mbind', 'move_pages']

// move_pages is in no default profile, whatever capabilities are added; the others come with SYS_NICE
// (moby/profiles seccomp/default.json, containers/common pkg/seccomp/seccomp.json).
function allowing({ system }: Examined, refused: readonly string[]): string | undefined {
  if (system.filtered === false) return undefined
  const option = refused.includes('move_pages')
    ? '--security-opt seccomp=unconfined'
    : '--cap-add SYS_NICE'
  return restarted(system, option)
}

const checkCalls: Check = (examined) => {
  const { calls, system } = examined
  if (calls === null) return []
  const refused = Object.entries(calls).filter(([, error]) => error !== null)
  const names = refused.map(([name]) => name)
  if (refused.length === 0) {
    return [found('numa-calls', 'good', `${Object.keys(calls).join(', ')} work`)]
  }
  const listed = refused.map(([name, error]) => `${name} (${error})`).join(', ')
  if (refused.every(([, error]) => error === 'ENOSYS') && system.filtered === false) {
    return [found('numa-calls', 'note', `this kernel has no NUMA support: it lacks ${listed}`)]
  }
  const stops = names.some((name) => NEEDED.includes(name))
  const level = stops && needsNuma(examined) ? 'problem' : 'note'
  const effect = stops
    ? 'without them the backend numa does not run'
    : 'emucxl does without it, and numactl does not'
  const by = system.filtered ? 'by a seccomp filter' : 'here'
  const profile = names.includes('move_pages')
    ? '. A seccomp profile of your own that allows them does as well as none'
    : ''
  return [
    found(
      'numa-calls',
      level,
      `forbidden ${by}: ${listed}; ${effect}${system.container === null ? '' : profile}`,
      allowing(examined, names),
    ),
  ]
}

export const CALL_CHECKS: readonly Check[] = [checkLibnuma, checkCalls]
