// A vitest reporter beside the usual one. Says why tests were skipped, a line for each reason, and
// writes to the file that EMUCXL_COUNTS names: how many passed, failed and were skipped, and which
// failed.

import { writeFileSync } from 'node:fs'

/** Why a test was skipped: what it said, or else the name of the suite that was skipped whole. */
function reasonOf(test) {
  const { note } = test.result()
  if (note !== undefined) return note
  let suite = test.parent
  while (suite.type === 'suite' && suite.parent.options?.mode === 'skip') suite = suite.parent
  return suite.type === 'suite' && suite.options.mode === 'skip' ? suite.name : 'no reason given'
}

function firstLine(error) {
  return String(error?.message ?? error).split('\n')[0]
}

export default class Counts {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
    const skips = new Map()
    const fail = (name, error) => {
      counts.failed++
      counts.failures.push(error === undefined ? name : `${name}: ${firstLine(error)}`)
    }
    for (const error of unhandledErrors) fail('outside any test', error)
    for (const module of modules) {
      const file = module.relativeModuleId
      for (const error of module.errors()) fail(file, error) // a file that does not even load
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        const name = `${file} > ${test.fullName}`
        if (state === 'failed') {
          fail(name, errors?.[0])
        } else if (state === 'pending') {
          fail(name, 'its process ended before it did')
        } else {
          counts[state]++
        }
        if (state === 'skipped') {
          const reason = reasonOf(test)
          skips.set(reason, [...(skips.get(reason) ?? []), name])
        }
      }
    }
    for (const [reason, names] of skips) {
      const which = names.length === 1 ? names[0] : `${names[0]}, and ${names.length - 1} more`
      console.log(`skipped ${names.length}: ${reason} (${which})`)
    }
    writeFileSync(process.env.EMUCXL_COUNTS, JSON.stringify(counts))
  }
}
