// `emucxl report`: makes a page for the browser of a report that was saved.

import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BenchReport } from '../../bench/harness/report.js'
import { parse, UsageError } from './usage.js'

const NAME = 'emucxl report'

const HELP = `Usage: ${NAME} FILE.json [OPTION…]

Makes a report to look at in a browser of what emucxl bench --json printed: one
HTML file that needs no network.

  FILE.json        the saved report; - for stdin

Options:
      --html FILE  what to write (default: FILE.html beside FILE.json; needed
                   for stdin)
  -h, --help       show this

Where the page is goes to stdout. Exit codes: 0 done, 1 failed, 2 wrong usage.
`

async function readStdin(): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}

/** The default: the same name with another ending. Never the report itself. */
const pageBeside = (file: string) => `${file.replace(/\.json$/i, '')}.html`

/** Writes the page of a report. Returns its address, for a browser. */
export async function writePage(report: BenchReport, file: string): Promise<string> {
  const { pageOf } = await import('../../bench/page/page.js')
  writeFileSync(file, pageOf(report))
  return pathToFileURL(resolve(file)).href
}

export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(NAME, args, {
    help: { type: 'boolean', short: 'h' },
    html: { type: 'string' },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) {
    throw new UsageError(`one FILE is needed, not ${positionals.length}`, NAME)
  }
  if (values.html === '') throw new UsageError('--html needs the name of a file', NAME)
  if (file === '-' && values.html === undefined) {
    throw new UsageError('--html FILE is needed where the report comes from stdin', NAME)
  }
  if (values.html !== undefined && resolve(values.html) === resolve(file)) {
    throw new UsageError('--html needs another file than the report', NAME)
  }
  const { parseReport, readReport } = await import('../../bench/harness/saved.js')
  const report = file === '-' ? parseReport(await readStdin(), 'stdin') : readReport(file)
  process.stdout.write(`${await writePage(report, values.html ?? pageBeside(file))}\n`)
}
