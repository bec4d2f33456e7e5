// Rule 7: blocks do not make V8 collect, and its count of external memory never goes below zero, which
// ends Node.js 24 and later: V8 takes a dropped buffer off the count before it tells anybody.

import { expect, test } from 'vitest'
import { outputOf, runChild } from './run-child.js'

test.each([['hidden'], ['counted']])(
  "thousands of blocks, %s in V8's count, come and go in every way",
  (how) => runChild('balance', [how]),
)

// What is taken off for each block and not put back would sum up to the end of the process, after
// 2^44 bytes; what is put back twice, to a collection for every 64 MiB.
test("V8's count is the same after blocks came and went", async () => {
  const flags = ['--expose-gc', '--trace-gc', '--trace-gc-verbose']
  const { stdout } = await outputOf('balance-returns', [], { flags })
  const counts = [...stdout.matchAll(/External memory reported: *(\d+) KB/g)].map(([, kib]) =>
    Number(kib),
  )
  const base = 2 ** 34
  expect(Math.max(...counts)).toBeGreaterThan(base - 2 ** 20)
  expect(Math.abs((counts.at(-1) ?? 0) - base)).toBeLessThan(4096)
})
