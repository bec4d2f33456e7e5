// `emucxl info`: shows the machine as emucxl sees it.

import { resolve } from 'node:path'
import { widthOf } from './table.js'
import { parse, UsageError } from './usage.js'

const NAME = 'emucxl info'
const DEVICE = '/dev/emucxl'

const HELP = `Usage: ${NAME} [OPTION…]

Shows this machine as emucxl sees it: NUMA nodes and which of them are local
and remote, backends and what keeps one from running, devices, and limits.
Needs no rights.

Options:
      --json           print one JSON document instead of text
      --device PATH    the device of the kernel module (default: ${DEVICE})
  -h, --help           show this
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
  const { takeInventory } = await import('./inventory.js')
  if (values.device === '') throw new UsageError('--device must be a path', NAME)
  const report = await takeInventory(resolve(values.device ?? DEVICE))
  if (values.json) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    return
  }
  const { describe } = await import('./info-text.js')
  process.stdout.write(describe(report, widthOf(process.stdout)))
}
