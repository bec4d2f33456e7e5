// npm run bench: every figure that this package promises, with its bound.

import { spawnSync } from 'node:child_process'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packageRoot } from '../../lib/memory/host.js'
import type { Row } from './figure.js'

const FIGURES = [
  'alloc',
  'bulk',
  'queries',
  'loop',
  'collections',
  'migrate',
  'measure',
  'slab',
  'queue',
  'kv',
] as const

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !FIGURES.includes(name as (typeof FIGURES)[number]))
if (unknown.length > 0) {
  process.stderr.write(`no figure '${unknown[0]}': there are ${FIGURES.join(', ')}\n`)
  process.exit(2)
}

function measure(name: string): Row[] {
  process.stderr.write(`${name} …\n`)
  const file = join(packageRoot, 'dist/bench/figures', `${name}.js`)
  const child = spawnSync(process.execPath, ['--expose-gc', file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.status !== 0) {
    process.stderr.write(`${name}: ended with ${child.signal ?? child.status}\n`)
    process.exit(1)
  }
  return JSON.parse(child.stdout) as Row[]
}

function isMet({ bound, value }: Row): boolean {
  if (bound === undefined) return true
  return 'atMost' in bound ? value <= bound.atMost : value >= bound.atLeast
}

function verdict(row: Row): string {
  if (row.bound === undefined) return ''
  const limit = 'atMost' in row.bound ? `≤ ${row.bound.atMost}` : `≥ ${row.bound.atLeast}`
  return `${limit} ${isMet(row) ? 'met' : 'MISSED'}`
}

const chosen = positionals.length > 0 ? positionals : FIGURES
const figures = Object.fromEntries(chosen.map((name) => [name, measure(name)]))
const machine = {
  cpu: cpus()[0]?.model,
  cpus: cpus().length,
  kernel: release(),
  node: process.version,
}
const missed = Object.values(figures)
  .flat()
  .filter((row) => !isMet(row))
if (values.json) {
  process.stdout.write(`${JSON.stringify({ machine, figures }, undefined, 2)}\n`)
} else {
  const rows = Object.values(figures).flat()
  const width = Math.max(...rows.map(({ what }) => what.length))
  process.stdout.write(
    `\n${machine.cpu}, ${machine.cpus} CPUs, Linux ${machine.kernel}, Node.js ${machine.node}\n\n`,
  )
  for (const row of rows) {
    const value = row.value.toFixed(Math.abs(row.value) >= 100 ? 0 : 2).padStart(9)
    process.stdout.write(
      `${row.what.padEnd(width)} ${value} ${row.unit.padEnd(22)} ${verdict(row).padEnd(13)} ${row.detail ?? ''}\n`,
    )
  }
  process.stdout.write('\nNo figure here says anything about CXL hardware.\n')
}
if (missed.length > 0) {
  process.stderr.write(`${missed.length} bounds missed; on a busy machine, measure again\n`)
  process.exitCode = 1
}
