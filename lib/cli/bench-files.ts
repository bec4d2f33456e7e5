// The files that `emucxl bench` writes beside what it prints.

import {
  accessSync,
  closeSync,
  constants,
  openSync,
  realpathSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { csvOf } from '../../bench/harness/csv.js'
import type { BenchReport, Plan } from '../../bench/harness/report.js'
import type { Files } from './bench-options.js'
import type { Failures } from './failures.js'
import { writePage } from './report.js'

/** Throws where a file cannot be written. Leaves none that was not there. */
function checkWritable(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) {
    closeSync(openSync(file, 'a'))
    unlinkSync(realpathSync(file)) // of a link, what it leads to
  } else if (found.isFile() || found.isDirectory()) {
    closeSync(openSync(file, 'a'))
  } else {
    accessSync(file, constants.W_OK) // whoever reads a pipe would take the end of this for the end of all
  }
}

/** Throws where one of the files cannot be written, before anything is measured. */
export function checkFiles({ csv, html, svg }: Files): void {
  for (const file of [svg, csv, html]) {
    if (file !== undefined) checkWritable(file)
  }
}

/** Draws what experiments found. */
async function writePictures(
  report: BenchReport,
  plans: readonly Plan[],
  file: string,
): Promise<void> {
  for (const { experiment } of plans) {
    const found = report.experiments[experiment.name]
    if (found === undefined || experiment.picture === undefined) continue
    writeFileSync(file, await experiment.picture(found, report.conditions))
  }
}

/** A disk that is full loses the one file alone. */
export async function writeFiles(
  report: BenchReport,
  plans: readonly Plan[],
  { csv, html, svg }: Files,
  failures: Failures,
): Promise<void> {
  if (csv !== undefined) await failures.attempt(() => writeFileSync(csv, csvOf(report)))
  if (svg !== undefined) await failures.attempt(() => writePictures(report, plans, svg))
  if (html !== undefined) {
    await failures.attempt(async () => {
      process.stderr.write(`Report: ${await writePage(report, html)}\n`)
    })
  }
}
