// `emucxl doctor`: tells what is good on this machine, what is not, and the command that mends it.

import { resolve } from 'node:path'
import { widthOf } from './table.js'
import { parse, UsageError } from './usage.js'

const NAME = 'emucxl doctor'
const DEVICE = '/dev/emucxl'

const HELP = `Usage: ${NAME} [OPTION…]

Examines this machine: NUMA nodes, libnuma, system calls that a container
forbids, the kernel module, CXL and dax devices, what the kernel moves by
itself, huge pages, swap, limits of Node.js. Each line is ok, a note, or a
PROBLEM, with the command that mends it. Changes nothing, and needs no rights.

Options:
      --json           print one JSON document instead of text
      --device PATH    the device of the kernel module (default: ${DEVICE})
  -h, --help           show this

Exit codes: 0 no problem, 1 at least one, 2 wrong usage.
`

export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(NAME, args, {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    device: { type: 'string' },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  if (positionals[0] !== undefined) throw new UsageError(`unknown word '${positionals[0]}'`, NAME)
  if (values.device === '') throw new UsageError('--device must be a path', NAME)
  const { examine } = await import('./doctor/examine.js')
  const report = await examine(resolve(values.device ?? DEVICE))
  if (report.summary.problems > 0) process.exitCode = 1
  if (values.json) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    return
  }
  const { describe } = await import('./doctor/text.js')
  process.stdout.write(describe(report, widthOf(process.stdout)))
}
