// A context for the memory-rule programs, and what its account says. The emulated backend runs on
// every machine; EMUCXL_TEST_BACKEND names another.
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from 'emucxl'

export function openContext(options) {
  return Emucxl.open({ backend: process.env.EMUCXL_TEST_BACKEND ?? 'emulated', ...options })
}

/** The sum over the nodes: live bytes, and ranges that are freed, reserved or idle. */
export function account(cxl) {
  const sum = { allocated: 0, mapped: 0, regions: 0, pending: 0, reserved: 0, idle: 0 }
  for (const { node } of cxl.nodes) {
    const stats = cxl.stats(node)
    for (const key of ['allocated', 'mapped', 'regions']) sum[key] += stats[key]
    for (const key of ['pending', 'reserved', 'idle']) sum[key] += stats[key].ranges
  }
  return sum
}

export { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY }
