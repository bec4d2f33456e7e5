// What the kernel says about this process, in bytes.
import { readFileSync } from 'node:fs'

function field(name) {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(
    readFileSync('/proc/self/status', 'utf8'),
  )
  return Number(found[1]) * 1024
}

/** Physical memory. */
export const resident = () => field('VmRSS')

/** Address space. */
export const virtual = () => field('VmSize')
