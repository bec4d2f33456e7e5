// Where libnuma.so.1 is not installed everything loads; the numa backend says what to install, and
// `auto` does without it. The library is hidden in a mount namespace (scripts/without-libnuma.mjs);
// npm test runs the suites of lib/memory in one as well.

import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { root } from '../../scripts/setup.mjs'
import { withoutLibnuma } from '../../scripts/without-libnuma.mjs'
import { run } from './consumer.js'

const REMEDY = 'libnuma.so.1 not found: apt install libnuma1, or dnf install numactl-libs'

const { command = [], reason } = withoutLibnuma()

beforeEach(({ skip }) => {
  if (reason !== undefined) skip(reason)
})

function node(words: readonly string[]) {
  const [program = '', ...rest] = [...command, process.execPath, ...words]
  return run(program, rest, root)
}

const entry = join(root, 'dist/lib/index.js')

test('auto falls back to emulated memory, and says once why', () => {
  const { status, stdout, stderr } = node([
    '-e',
    `import('${entry}').then(({ Emucxl }) => {
      for (let i = 0; i < 2; i++) {
        const cxl = Emucxl.open()
        const block = cxl.alloc(8192, 1)
        console.log(cxl.backend, block.byteLength, cxl.isLocal(block))
        cxl.close()
      }
    })`,
  ])
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'emulated 8192 false\n'.repeat(2) })
  expect(stderr.split(`numa: ${REMEDY}`)).toHaveLength(2)
})

test('numa, asked for by name, says what to install', () => {
  const { status, stdout, stderr } = node([
    '-e',
    `import('${entry}').then(({ Emucxl }) => {
      try {
        Emucxl.open({ backend: 'numa' })
      } catch ({ name, code, message }) {
        console.log(JSON.stringify({ name, code, message }))
      }
    })`,
  ])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const told = JSON.parse(stdout)
  expect(told).toMatchObject({ name: 'EmucxlError', code: 'ERR_EMUCXL_BACKEND_UNAVAILABLE' })
  expect(told.message).toContain(REMEDY)
})
