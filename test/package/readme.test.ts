// What the README shows is what happens: its first program, its links.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { examine } from '../../lib/cli/doctor/examine.js'
import { describe as print } from '../../lib/cli/doctor/text.js'
import { root } from '../../scripts/setup.mjs'
import { APPLIANCE, build } from '../cli/machines.js'
import { run } from './consumer.js'

const readme = readFileSync(join(root, 'README.md'), 'utf8')

test('the first program is examples/first.mjs, and prints what is shown', () => {
  const [, program, output] = /```js\n(.*?)```\n+```\n(.*?)```/s.exec(readme) ?? []
  const file = join(root, 'examples/first.mjs')
  expect(readFileSync(file, 'utf8')).toContain(program)
  const { stdout, status } = run(process.execPath, [file], root)
  // Which backend is the machine's business.
  const named = (text: string | undefined) => text?.replace(/backend \w+/, 'backend …')
  expect({ status, stdout: named(stdout) }).toEqual({ status: 0, stdout: named(output) })
})

/** Each goes on up to the next one that imports. */
const programs = [...readme.matchAll(/```js\n(.*?)```/gs)]
  .map(([, text]) => text)
  .join('')
  .split(/^(?=import )/m)
  .slice(1)

test.each(programs)('program %# runs, and prints what it says', (text) => {
  const wanted = [...text.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, said]) => said)
  expect(wanted.length).toBeGreaterThan(0)
  const { stdout, stderr, status } = run(
    process.execPath,
    ['--input-type=module', '--eval', text],
    root,
  )
  expect({ status, said: stdout.trimEnd().split('\n') }, stderr).toEqual({
    status: 0,
    said: wanted,
  })
})

/** Commands for a clone that look at this machine; the others take long, or change something. */
const looks = [...readme.matchAll(/^node (dist\/lib\/cli\/main\.js (?:info|doctor)[^#\n]*)/gm)].map(
  ([, words]) => words?.trim().split(' ') ?? [],
)

test.each(looks)('%s %s runs', (...words) => {
  const { stdout, stderr, status } = run(process.execPath, words, root)
  expect({ stderr, status }).toEqual({ stderr: '', status: /^ {2}PROBLEM/m.test(stdout) ? 1 : 0 })
})

test('what the doctor says is what it says of such a machine', async () => {
  const { root: folder, probes } = build(APPLIANCE)
  const report = await examine('/dev/emucxl', folder, { ...probes, isRoot: () => false })
  const shown = /```\n(NUMA nodes\n.*?)```/s.exec(readme)?.[1] ?? ''
  const lines = print(report, 80).split('\n')
  expect(shown.split('\n').filter((line) => !lines.includes(line))).toEqual([])
})

test.each([
  [
    'linked-list',
    'alpha@1 → bravo@0 → charlie@1 → delta@0\nalpha@0 → bravo@0 → charlie@1 → delta@0\nmapped: 0\n',
  ],
  ['binary-tree', '1000 keys, in order: true\nnode 0: 29\nnode 1: 971\n'],
])('examples/%s.mjs runs, in less than 40 lines', (name, output) => {
  const file = join(root, `examples/${name}.mjs`)
  expect(readFileSync(file, 'utf8').trimEnd().split('\n').length).toBeLessThan(40)
  const { stdout, status } = run(process.execPath, [file], root)
  expect({ status, stdout }).toEqual({ status: 0, stdout: output })
})

test('every link leads to a file of the repository', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link as string)
  expect(links.length).toBeGreaterThan(0)
  expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([])
})
