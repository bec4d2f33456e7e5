// Samples in turns: a round takes one of each subject, so that what changes on the machine meanwhile
// changes all of them alike. Subjects come in pairs, local and remote as a rule; who goes first changes
// from round to round: the second of two equal phases can be slower. Pairs stay in their order, so that
// what comes before one side has come before the other as often.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Emucxl } from '../../lib/memory/emucxl.js'
import { type Context, noteRepetitions, turn } from './experiment.js'
import { type Measured, measured, type Unit } from './measured.js'

/** What is measured by itself. A sample of it has a value for each of its figures, in their order. */
export interface Subject<R extends object> {
  figures: readonly { row: R; unit: Unit }[]
  sample(): readonly number[] | Promise<readonly number[]>
}

/** The share of the time that warming up may take, but for the first subject. */
const WARM_UP_SHARE = 1 / 4

/** Takes one sample of each that is not counted, as far as there is time. */
async function warmUp<R extends object>(
  { timeGone, timeIsUp }: Context,
  subjects: readonly Subject<R>[],
): Promise<void> {
  for (const subject of subjects) {
    if (timeIsUp() || timeGone() > WARM_UP_SHARE) return
    await subject.sample()
    await turn()
  }
}

/**
 * Warms up, and goes round until there are as many samples of each as are wanted, or no time for another
 * round. Returns a row for each figure, in the order of the subjects.
 * @param name of the experiment
 * @param wanted samples of each, where the user has not said how many
 */
export async function inRounds<R extends object>(
  context: Context,
  name: string,
  subjects: readonly Subject<R>[],
  wanted: number,
): Promise<(R & Measured)[]> {
  const rounds = context.settings.runs ?? wanted
  const found = new Map(subjects.map((subject) => [subject, [] as (readonly number[])[]]))
  const swapped = subjects.map((subject, i) => subjects[i ^ 1] ?? subject)
  await warmUp(context, subjects)
  let made = 0
  let longest = 0
  const isTimeFor = () => !context.timeIsUp() && context.timeGone() + longest <= 1
  while (made < rounds && (made === 0 || isTimeFor())) {
    const began = context.timeGone()
    let taken = 0
    for (const subject of made % 2 === 0 ? subjects : swapped) {
      found.get(subject)?.push(await subject.sample())
      context.progress((made + ++taken / subjects.length) / rounds)
      await turn()
    }
    longest = Math.max(longest, context.timeGone() - began)
    made++
  }
  context.progress(1)
  noteRepetitions(context, name, made, rounds)
  return subjects.flatMap((subject) => {
    const samples = found.get(subject) ?? []
    return subject.figures.map(({ row, unit }, i) => ({
      ...row,
      ...measured(unit, [samples.map((values) => values[i] as number)]),
    }))
  })
}

/** What was freed waits for the event loop; a run must not pay for the one before. */
export async function settle(cxl: Emucxl): Promise<void> {
  const pending = () => cxl.nodes.some(({ node }) => cxl.stats(node).pending.ranges > 0)
  for (let turns = 0; turns < 100 && (turns === 0 || pending()); turns++) await turn()
}

let collect: (() => void) | undefined

/** Collects what was dropped: another sample is not to pay for it. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as typeof collect
  }
  collect?.()
}

/** Nanoseconds since an unspecified point in time. */
export const now = (): number => Number(process.hrtime.bigint())
