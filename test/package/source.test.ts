// The package on a machine for which it has no prebuilt binary: built on install, through the
// node-gyp that npm brings; or later, with the command that the load failure names.

import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { root } from '../../scripts/setup.mjs'
import { barePath, emptyFolder, install, pack, run, type Tarball } from './consumer.js'

const LOAD = `
import('emucxl').then(
  ({ Emucxl }) => {
    const cxl = Emucxl.open({ backend: 'emulated' })
    console.log(cxl.alloc(4096, 1).byteLength)
    cxl.close()
  },
  (error) => console.log(error.message),
)`

// npm 12 runs no script of a dependency that was not approved; before npm 11 there is no such flag.
const SCRIPTS_ON = ['--dangerously-allow-all-scripts']

vi.setConfig({ testTimeout: 600_000 }) // two builds, beside those of other files

let bare: Tarball

beforeAll(() => {
  // What npm packs, less the binaries.
  const whole = pack()
  const folder = emptyFolder()
  for (const file of whole.files.filter((name) => !name.startsWith('prebuilds/'))) {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    cpSync(join(root, file), join(folder, file))
  }
  bare = pack(folder)
  expect(bare.files.filter((file) => file.endsWith('.node'))).toEqual([])
})

const built = (folder: string) => join(folder, 'node_modules/emucxl/build/Release/emucxl.node')

test('npm install builds it', () => {
  const folder = install(bare, SCRIPTS_ON)
  expect(existsSync(built(folder))).toBe(true)
  expect(run(process.execPath, ['-e', LOAD], folder)).toMatchObject({
    stdout: '4096\n',
    stderr: '',
  })
})

test('with scripts off and a damaged binary, what the error says to run helps', () => {
  const folder = install(bare, ['--ignore-scripts'])
  const prebuilt = join(folder, `node_modules/emucxl/prebuilds/linux-${process.arch}`)
  mkdirSync(prebuilt, { recursive: true })
  cpSync(join(root, 'package.json'), join(prebuilt, 'emucxl.node'))
  const { stdout: message } = run(process.execPath, ['-e', LOAD], folder)
  const remedy = /run:\n {2}(npm run .*)\n/.exec(message)?.[1] ?? 'no remedy'

  const cache = { npm_config_cache: join(folder, '.npm') }
  const { status, stderr } = run('sh', ['-c', remedy], folder, cache)
  expect({ remedy, status, stderr }).toMatchObject({ status: 0 })
  expect(stderr).toContain('emucxl: the prebuilt binary does not load')
  expect(run(process.execPath, ['-e', LOAD], folder)).toMatchObject({
    stdout: '4096\n',
    stderr: '',
  })
})

test('with no compiler the installation fails, and says why', () => {
  const path = barePath()
  const attempt = () => install(bare, SCRIPTS_ON, { PATH: path })
  expect(attempt).toThrow(
    `emucxl: there is no prebuilt binary for linux ${process.arch}. ` +
      'Building from source, which needs g++, make and python3.',
  )
})
