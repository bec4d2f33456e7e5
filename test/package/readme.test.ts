// What the README shows is what happens: its first program, its links.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../scripts/setup.mjs'
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
