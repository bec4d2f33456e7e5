// The native addon alone, called past the checks of TypeScript with random garbage, in a process of
// its own: every function throws, none crashes. What garbage does to contents it does not show.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addon } from '../../dist/lib/memory/addon.js'
import { compile, runChild } from './child.js'

const CALLS =
  10 *
  Number(process.env['EMUCXL_FUZZ_RUNS'] ?? (process.env['EMUCXL_QUICK'] === '1' ? 1000 : 10_000))
const SEED = Number(process.env['EMUCXL_FUZZ_SEED'] ?? Date.now() % 2 ** 31)

let folder: string

beforeAll(() => {
  folder = compile()
})

afterAll(() => rmSync(folder, { recursive: true }))

test(`${CALLS} calls with garbage, seed ${SEED}`, { timeout: 60_000 + CALLS }, async () => {
  const program = join(folder, 'addon-calls.js')
  const ended = await runChild(program, String(SEED), String(CALLS))
  expect(ended, ended.output).toMatchObject({ code: 0, signal: null })
  const counts = JSON.parse(ended.output) as Record<string, { returned: number; threw: number }>
  const never = ['isFirst', 'currentCpu', 'tryNumaCalls', 'wrapsShared'] // they take nothing
  for (const name of Object.keys(addon)) {
    const { returned = 0, threw = 0 } = counts[name] ?? {}
    if (CALLS < 10_000) continue
    if (name !== 'setup') expect(returned, name).toBeGreaterThan(0)
    if (!never.includes(name)) expect(threw, name).toBeGreaterThan(0)
  }
})
