// Table IV of the first paper, through the store: the very counts that its program found.

import { expect, test } from 'vitest'
import type { Context, Settings } from '../../bench/harness/experiment.js'
import { glibcRand } from '../../bench/harness/glibc-rand.js'
import { beladyHits } from '../../bench/kv/belady.js'
import { kv, tableFourKeys } from '../../bench/kv.js'
import { Emucxl } from '../../lib/memory/emucxl.js'

/** Local fetches of the paper's program, seed 1. Source: its published results. */
const LOCAL: [hotPercent: number | null, policy1: number, policy2: number][] = [
  [10, 40687, 1645],
  [20, 25475, 1887],
  [30, 14293, 2143],
  [40, 9016, 2471],
  [50, 7436, 2972],
  [60, 6339, 3785],
  [70, 6342, 5000],
  [80, 11113, 10588],
  [90, 15216, 14978],
  [null, 14896, 15009],
]

async function rows(settings: Settings) {
  using cxl = Emucxl.open({ backend: 'emulated' })
  const context = {
    cxl,
    settings: { ...settings, count: 10 },
    memoryOfEach: 2 ** 30,
    progress() {},
    condition() {},
  } as unknown as Context
  return (await kv.run(context)).rows
}

test('the random numbers are those of glibc', () => {
  const one = glibcRand(1)
  expect(Array.from({ length: 5 }, one)).toEqual([
    1804289383, 846930886, 1681692777, 1714636915, 1957747793,
  ])
  const other = glibcRand(42)
  expect(Array.from({ length: 3 }, other)).toEqual([71876166, 708592740, 1483128881])
  expect(glibcRand(0)()).toBe(1804289383)
})

test('both policies of the paper fetch just what they fetched there', async () => {
  const found = await rows({ policies: ['policy1', 'policy2'] })
  for (const [hotPercent, ...counts] of LOCAL) {
    for (const [i, policy] of ['policy1', 'policy2'].entries()) {
      const row = found.find((each) => each.hotPercent === hotPercent && each.policy === policy)
      expect([hotPercent, policy, row?.local, row?.remote]).toEqual([
        hotPercent,
        policy,
        counts[i],
        50_000 - (counts[i] as number),
      ])
    }
  }
})

test.each([2, 3, 1_000_000])(
  'with seed %i they do what a plain twin of them does',
  async (seed) => {
    const found = await rows({ seed, policies: ['policy1', 'policy2', 'lru'] })
    for (const { hotPercent, policy, local } of found) {
      if (policy === 'min') continue
      /** Keys in local memory, the most recently used last. */
      let keys = Array.from({ length: 300 }, (_, i) => 701 + i)
      let hits = 0
      for (const key of tableFourKeys(hotPercent, seed)) {
        if (keys.includes(key)) {
          hits++
          keys = [...keys.filter((other) => other !== key), key]
        } else if (policy === 'policy1') {
          keys[0] = key
        } else if (policy === 'lru') {
          keys = [...keys.slice(1), key]
        }
      }
      expect([hotPercent, policy, local]).toEqual([hotPercent, policy, hits])
    }
  },
)

test('the optimum is that of a search through all choices', () => {
  const best = (keys: readonly number[], held: readonly number[]): number => {
    const [key, ...rest] = keys
    if (key === undefined) return 0
    if (held.includes(key)) return 1 + best(rest, held)
    const choices = held.map((_, i) => held.with(i, key))
    return Math.max(best(rest, held), ...choices.map((choice) => best(rest, choice)))
  }
  const rand = glibcRand(7)
  for (let i = 0; i < 50; i++) {
    const keys = Array.from({ length: 9 }, () => rand() % 5)
    expect(beladyHits(keys, 2, [0, 1])).toBe(best(keys, [0, 1]))
  }
})
