// A vitest reporter beside the usual one: writes how many tests passed, failed and were skipped to
// the file that EMUCXL_COUNTS names, and says why each was skipped.

import { writeFileSync } from 'node:fs'

export default class Counts {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    const reasons = new Map()
    for (const module of modules) {
      counts.failed += module.errors().length // a file that does not even load
      for (const test of module.children.allTests()) {
        const { state, note } = test.result()
        // A test that a crash of its process cut off is pending for ever.
        counts[state === 'pending' ? 'failed' : state]++
        if (state === 'skipped') reasons.set(`${test.fullName}`, note)
      }
    }
    for (const [name, note] of reasons)
      console.log(`skipped: ${name}: ${note ?? 'no reason given'}`)
    writeFileSync(process.env.EMUCXL_COUNTS, JSON.stringify(counts))
  }
}
