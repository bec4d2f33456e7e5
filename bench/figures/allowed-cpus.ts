// The CPUs that this process may use, by number, in order.

import { readFileSync } from 'node:fs'
import { parseList } from '../../lib/memory/topology.js'

export function allowedCpus(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8')
  return parseList(/Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1] ?? '')
}
