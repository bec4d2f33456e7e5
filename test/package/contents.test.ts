// What is in the package: everything that it needs at run time or to be built from source, and
// nothing else.

import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { beforeAll, expect, test } from 'vitest'
import { prebuild } from '../../scripts/prebuild.mjs'
import { root } from '../../scripts/setup.mjs'
import { pack, type Tarball } from './consumer.js'

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
let tarball: Tarball

beforeAll(() => {
  prebuild()
  tarball = pack()
  console.log(
    `${tarball.files.length} files, ${Math.ceil(tarball.size / 1024)} KiB packed, ` +
      `${Math.ceil(tarball.unpackedSize / 1024)} KiB unpacked`,
  )
})

/** What each file of the package must be one of. */
const WANTED = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|binding\.gyp)$/,
  /^dist\/lib\/([\w-]+\/)*[\w-]+\.js$/,
  /^dist\/lib\/(?!cli)([\w-]+\/)*[\w-]+\.d\.ts$/,
  /^dist\/bench\/[\w-]+\.js$/, // the experiments of `emucxl bench`
  /^dist\/bench\/(access|bandwidth|harness|kv|latency)\/[\w-]+\.js$/,
  /^dist\/bench\/(page\/[\w-]+\.(js|css)|browser\/main\.js)$/, // `emucxl report`
  /^dist\/schemas\/bench(-\w+)?\.json$/,
  /^dist\/appliance\/[\w-]+\.js$/, // `emucxl vm`
  /^appliance\/guest\/[\w.-]+$/,
  /^kmod\/(\w+\.[ch]|Kbuild|Makefile|dkms\.conf|60-emucxl\.rules)$/,
  /^docs\/[\w-]+\.md$/,
  /^native\/([\w-]+\/)*[\w-]+\.(cc|h)$/,
  /^prebuilds\/linux-(x64|arm64)\/emucxl\.node$/,
  /^scripts\/(install|node-gyp|programs)\.mjs$/,
]

test('holds nothing but what is wanted', () => {
  const other = tarball.files.filter((file) => !WANTED.some((pattern) => pattern.test(file)))
  expect(other).toEqual([])
})

/** Which of these files are not in the package. */
const missing = (files: string[]) => files.filter((file) => !tarball.files.includes(file))

test('holds the documents, and this machine’s prebuilt binary', () => {
  const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
  expect(missing([...documents, `prebuilds/linux-${process.arch}/emucxl.node`])).toEqual([])
})

test('holds every file that package.json leads to', () => {
  const targets = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(targets)
  const named = [manifest.exports, manifest.bin, manifest.main, manifest.types]
    .flatMap(targets)
    .map((target) => target.replace('*', 'bench'))
  expect(named.length).toBeGreaterThan(3)
  expect(missing(named.map((target) => target.replace(/^\.\//, '')))).toEqual([])
})

test('names the types first in every entry of its exports', () => {
  for (const entry of Object.values<string | object>(manifest.exports)) {
    if (typeof entry === 'object') expect(Object.keys(entry)[0]).toBe('types')
  }
})

test('holds what every import inside it leads to, and imports nothing from outside Node.js', () => {
  const scripts = tarball.files.filter((file) => /\.(js|d\.ts|mjs)$/.test(file))
  let seen = 0
  for (const file of scripts) {
    const text = readFileSync(join(root, file), 'utf8')
    const imports = text.matchAll(
      /(?:^(?:import|export)\b[^'"`;()]*\bfrom\s*|^import\s*|\bimport\()(['"])([^'"\n]+)\1/gm,
    )
    for (const [, , target] of imports) {
      if (target === undefined || isBuiltin(target)) continue
      seen++
      expect(target, file).toMatch(/^\./)
      const resolved = join(file, '..', target)
      const wanted = file.endsWith('.d.ts') ? resolved.replace(/\.js$/, '.d.ts') : resolved
      expect(missing([wanted]), `${file} imports ${target}`).toEqual([])
    }
  }
  expect(seen).toBeGreaterThan(20)
})

test('holds every source that the build names', () => {
  const gyp = readFileSync(join(root, 'binding.gyp'), 'utf8')
  const sources = [...gyp.matchAll(/'(native\/[^']+\.cc)'/g)].map(([, source = '']) => source)
  expect(sources.length).toBeGreaterThan(20)
  expect(missing(sources)).toEqual([])
})

test('holds no compiled file whose source is gone', () => {
  const compiled = tarball.files.filter((file) => /^dist\/(?!schemas|lib\/parts)/.test(file))
  const sources = compiled.map((file) =>
    file.replace(/^dist\//, '').replace(/(\.d\.ts|\.js)$/, '.ts'),
  )
  expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([])
})

test('leads to no source maps', () => {
  for (const file of tarball.files.filter((name) => name.startsWith('dist/'))) {
    expect(readFileSync(join(root, file), 'utf8'), file).not.toContain('sourceMappingURL')
  }
})

test('publint finds nothing, in its strict mode', async () => {
  const bytes = readFileSync(tarball.file)
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
  expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
})
