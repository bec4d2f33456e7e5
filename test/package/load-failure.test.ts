// A load failure explains itself: what was looked for, what this machine is, what to run.

import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { prebuild } from '../../scripts/prebuild.mjs'
import { root } from '../../scripts/setup.mjs'
import { emptyFolder, run } from './consumer.js'

const ATTEMPT = `
import(process.argv[1]).then(
  () => ({ loaded: true }),
  ({ name, code, message, cause }) => ({ name, code, message, cause: cause?.message }),
).then((told) => console.log(JSON.stringify(told)))`

interface Told {
  loaded?: boolean
  name?: string
  code?: string
  message: string
  cause?: string
}

let prebuilt: Buffer

beforeAll(() => {
  prebuilt = readFileSync(prebuild())
})

const PREBUILT = join('prebuilds', `linux-${process.arch}`, 'emucxl.node')

/** The package with these files for binaries, loaded in a process of its own. */
function load(binaries: Record<string, Uint8Array | string>, env: Record<string, string> = {}) {
  const folder = emptyFolder()
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const [file, contents] of Object.entries(binaries)) {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    writeFileSync(join(folder, file), contents)
  }
  const entry = join(folder, 'dist/lib/index.js')
  const { status, signal, stdout, stderr } = run(
    process.execPath,
    ['-e', ATTEMPT, entry],
    folder,
    env,
  )
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
  const told = JSON.parse(stdout) as Told
  return {
    ...told,
    folder,
    line: (file: string) => told.message.split('\n').find((l) => l.includes(file)),
  }
}

/** A copy of the prebuilt binary with a change in it. */
function altered(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(prebuilt)
  change(bytes)
  return bytes
}

function glibc(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime: string } }
  return header.glibcVersionRuntime
}

test('it loads where the prebuilt binary is whole', () => {
  expect(load({ [PREBUILT]: prebuilt }).loaded).toBe(true)
})

test('no binary at all: the places, the machine, the remedy', () => {
  const { name, code, message, folder, cause } = load({})
  expect({ name, code, cause }).toEqual({ name: 'EmucxlError', code: 'ERR_EMUCXL_LOAD' })
  expect(message).toBe(
    `emucxl's native addon could not be loaded. Looked for:
  ${join(folder, 'build/Release/emucxl.node')}: not there
  ${join(folder, PREBUILT)}: not there
This machine: linux ${process.arch}, glibc ${glibc()}, Node.js ${process.version}, Node-API ${process.versions['napi']}.
To build it from source, with g++, make and python3 installed, run:
  npm run install --prefix '${folder}'`,
  )
})

test('an empty file', () => {
  const { code, line, cause } = load({ [PREBUILT]: '' })
  expect(code).toBe('ERR_EMUCXL_LOAD')
  expect(line(PREBUILT)).toMatch(/: the file is empty$/)
  expect(cause).toBe('the file is empty')
})

test('a file that is no binary, such as a Git LFS pointer', () => {
  const { code, line } = load({ [PREBUILT]: 'version https://git-lfs.example/spec/v1\n'.repeat(3) })
  expect(code).toBe('ERR_EMUCXL_LOAD')
  expect(line(PREBUILT)).toMatch(
    /: not a binary: the file, of 120 bytes, does not begin as ELF does$/,
  )
})

test('a file that was cut off, at any place, does not take the process with it', () => {
  for (const share of [0.0001, 0.002, 0.03, 0.25, 0.5, 0.9]) {
    const { code, line } = load({ [PREBUILT]: prebuilt.subarray(0, prebuilt.length * share) })
    expect(code).toBe('ERR_EMUCXL_LOAD')
    expect(line(PREBUILT)).toMatch(
      /: (the file was cut off: \d+ bytes of at least \d+|not a binary: .*)$/,
    )
  }
})

test('a binary for another architecture', () => {
  const other =
    process.arch === 'x64' ? { number: 183, name: 'arm64' } : { number: 62, name: 'x64' }
  const { code, line } = load({
    [PREBUILT]: altered((bytes) => bytes.writeUInt16LE(other.number, 18)),
  })
  expect(code).toBe('ERR_EMUCXL_LOAD')
  expect(line(PREBUILT)).toMatch(`: a binary for ${other.name}, and this is ${process.arch}`)
})

test('a binary for a newer glibc: which version it wants, and which is here', () => {
  const bytes = altered((copy) => {
    const version = copy.indexOf('GLIBC_2.17\0')
    expect(version).toBeGreaterThan(0)
    copy.write('GLIBC_2.97', version)
  })
  const { code, message, line, cause } = load({ [PREBUILT]: bytes })
  expect(code).toBe('ERR_EMUCXL_LOAD')
  expect(line(PREBUILT)).toContain("version `GLIBC_2.97' not found")
  expect(message).toContain(`This machine: linux ${process.arch}, glibc ${glibc()}`)
  expect(cause).toContain('GLIBC_2.97')
})

test('a broken build of one’s own: the prebuilt binary is taken', () => {
  expect(load({ 'build/Release/emucxl.node': 'no', [PREBUILT]: prebuilt }).loaded).toBe(true)
})

test('two broken binaries: what is wrong with each', () => {
  const { line } = load({ 'build/Release/emucxl.node': 'no', [PREBUILT]: '' })
  expect(line('build/Release')).toMatch(/not a binary/)
  expect(line(PREBUILT)).toMatch(/empty/)
})

test('a binary chosen by EMUCXL_ADDON is the only one looked for', () => {
  const chosen = join(emptyFolder(), 'other.node')
  const { code, message } = load({ [PREBUILT]: prebuilt }, { EMUCXL_ADDON: chosen })
  expect(code).toBe('ERR_EMUCXL_LOAD')
  expect(message).toContain(`Looked for:\n  ${chosen}: not there\nThis machine`)
})

test('a binary that cannot be read', ({ skip }) => {
  if (process.getuid?.() === 0) skip('root reads every file')
  const folder = emptyFolder()
  symlinkSync('/etc/shadow', join(folder, 'secret.node'))
  const { code, message } = load({}, { EMUCXL_ADDON: join(folder, 'secret.node') })
  expect(code).toBe('ERR_EMUCXL_LOAD')
  expect(message).toContain('EACCES')
})
