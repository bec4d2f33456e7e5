// The package as npm 12 and pnpm 10 install it: no script runs, no compiler is there, and it must
// load by `import` and by `require` on every supported Node.js.

import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageVersion } from '../../lib/memory/host.js'
import { NODE_VERSIONS, noBinaries, nodeBinary, OLDEST_NODE } from '../../scripts/nodes.mjs'
import { prebuild } from '../../scripts/prebuild.mjs'
import { root } from '../../scripts/setup.mjs'
import { barePath, install, npm, type Outcome, pack, run } from './consumer.js'

// Uses memory on both nodes, and prints what it saw as JSON.
const USE = `
const cxl = Emucxl.open({ backend: 'emulated' })
const block = cxl.alloc(65536, REMOTE_MEMORY)
const bytes = new Uint8Array(block)
const zeroed = bytes.every((byte) => byte === 0)
bytes.fill(7)
const local = [cxl.isLocal(block)]
cxl.migrate(block, LOCAL_MEMORY)
local.push(cxl.isLocal(block))
const kept = bytes.every((byte) => byte === 7)
cxl.free(block)
cxl.close()
const table = emucxl_init({ backend: 'emulated' })
const address = emucxl_alloc(100, LOCAL_MEMORY)
const size = emucxl_get_size(address)
emucxl_free(address)
emucxl_exit()
process.report.excludeNetwork = true
const objects = process.report.getReport().sharedObjects
console.log(JSON.stringify({
  node: process.versions.node,
  zeroed, local, kept, size,
  freed: block.byteLength,
  binary: objects.find((file) => file.endsWith('emucxl.node')),
}))
`

const NAMES =
  'Emucxl, LOCAL_MEMORY, REMOTE_MEMORY, emucxl_init, emucxl_alloc, emucxl_get_size, emucxl_free, emucxl_exit'

const PROGRAMS = {
  'by-import.mjs': `import { ${NAMES} } from 'emucxl'\n${USE}`,
  'by-require.cjs': `'use strict'\nconst { ${NAMES} } = require('emucxl')\n${USE}`,
  'packs.mjs': `
import { Emucxl, KvStore } from 'emucxl'
const cxl = Emucxl.open({ backend: 'emulated' })
try {
  const store = new KvStore(cxl, { codec: 'msgpackr' })
  store.put('key', new Map([[1, [2n]]]))
  console.log(JSON.stringify({ type: store.get('key').constructor.name }))
} catch ({ name, code, message }) {
  console.log(JSON.stringify({ name, code, message, mapped: cxl.mappings().length }))
}`,
  'by-both.cjs': `
const required = require('emucxl')
import('emucxl').then((imported) => console.log(JSON.stringify({
  same: required.Emucxl === imported.Emucxl && required.EmucxlError === imported.EmucxlError,
  names: Object.keys(required).sort().join() === Object.keys(imported).sort().join(),
  isDefault: 'default' in required || '__esModule' in required,
})))`,
}

let folder: string
let path: string

beforeAll(() => {
  prebuild()
  path = barePath()
  folder = install(pack(), ['--ignore-scripts'], { PATH: path })
  for (const [name, text] of Object.entries(PROGRAMS)) writeFileSync(join(folder, name), text)
})

/** The JSON that a program printed, where it ended well and said nothing else, warnings included. */
function printed({ status, signal, stdout, stderr }: Outcome): unknown {
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
  return JSON.parse(stdout)
}

test('there was no compiler on the PATH', () => {
  const programs = ['cc', 'gcc', 'g++', 'c++', 'clang', 'make', 'python3', 'node-gyp']
  for (const program of programs) {
    expect(run('sh', ['-c', `command -v ${program}`], folder, { PATH: path }).stdout).toBe('')
  }
  expect(run('sh', ['-c', 'command -v node'], folder, { PATH: path }).stdout).not.toBe('')
})

// npm test -- --quick asks for the running version alone.
const asked = process.env['EMUCXL_QUICK'] === '1' ? [] : [OLDEST_NODE, ...NODE_VERSIONS]
const versions = [...new Set([process.versions.node, ...asked])]

describe.each(versions)('Node.js %s', (version) => {
  const why = version === process.versions.node ? undefined : noBinaries()

  test.for(['by-import.mjs', 'by-require.cjs'])(
    '%s: allocates, migrates, frees',
    (program, { skip }) => {
      if (why !== undefined) skip(why)
      const outcome = run(nodeBinary(version), [program], folder, { PATH: path })
      expect(printed(outcome)).toEqual({
        node: version,
        zeroed: true,
        local: [false, true],
        kept: true,
        size: 100,
        freed: 0,
        binary: join(folder, `node_modules/emucxl/prebuilds/linux-${process.arch}/emucxl.node`),
      })
    },
  )

  test('require and import give the same module', ({ skip }) => {
    if (why !== undefined) skip(why)
    const outcome = run(nodeBinary(version), ['by-both.cjs'], folder, { PATH: path })
    expect(printed(outcome)).toEqual({ same: true, names: true, isDefault: false })
  })

  test('the emucxl command tells its version', ({ skip }) => {
    if (why !== undefined) skip(why)
    const command = join(folder, 'node_modules/.bin/emucxl')
    const outcome = run(nodeBinary(version), [command, '--version'], folder, { PATH: path })
    expect(outcome).toMatchObject({ status: 0, stdout: `${packageVersion()}\n`, stderr: '' })
  })
})

test('npm finds the emucxl command by its name', () => {
  const { stdout } = npm(['exec', '--offline', '--', 'emucxl', '--version'], folder, { PATH: path })
  expect(stdout).toBe(`${packageVersion()}\n`)
})

test('msgpackr is asked for where a store needs it, and used where it is there', () => {
  const use = () => printed(run(process.execPath, ['packs.mjs'], folder, { PATH: path }))
  expect(use()).toEqual({
    name: 'EmucxlError',
    code: 'ERR_EMUCXL_LOAD',
    message: "options.codec is 'msgpackr', a package that cannot be loaded: npm install msgpackr",
    mapped: 0,
  })
  const copy = join(folder, 'node_modules/msgpackr')
  cpSync(join(root, 'node_modules/msgpackr'), copy, { recursive: true })
  try {
    expect(use()).toEqual({ type: 'Map' })
  } finally {
    rmSync(copy, { recursive: true })
  }
})
