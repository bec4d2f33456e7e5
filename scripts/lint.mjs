// npm run lint: Biome, the TypeScript compiler, publint, and over the C++ sources clang-format and
// clang-tidy. All of them run, also where one has failed.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, relative } from 'node:path'
import { cmakePrograms, configure } from './cmake.mjs'
import { needPrograms, say } from './programs.mjs'
import { buildTypeScript, cache, installDependencies, npmEnvironment, root } from './setup.mjs'

// Debian 12's. Others know other checks, and break lines in other places.
const CLANG = 14
const clangPrograms = { 'clang-format': 'clang-format', 'clang-tidy': 'clang-tidy' }

const results = []

/** `body` returns what was looked at, a reason why not (`skipped`), or throws what is wrong. */
async function check(name, body) {
  try {
    const { skipped, summary } = (await body()) ?? {}
    if (skipped !== undefined) say(`${name} skipped: ${skipped}`)
    results.push({ text: `${name}${skipped ? ' skipped' : summary ? ` (${summary})` : ''}` })
  } catch (error) {
    say(`${error.message}\n${name} failed`)
    results.push({ text: `${name} FAILED`, failed: true })
  }
}

function outcome(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options })
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`
  if (result.status !== 0) throw new Error(output)
  return output
}

function module(path, ...args) {
  outcome(process.execPath, [join(root, 'node_modules', path), ...args], { env: npmEnvironment() })
}

function sources(folder, endings) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

/** binding.gyp has the one list of sources, which CMakeLists.txt reads. */
function listedSources() {
  const text = readFileSync(join(root, 'binding.gyp'), 'utf8')
  const listed = new Set(text.match(/native\/[a-z_/]+\.cc/g))
  const present = new Set(sources('native', ['.cc']))
  const wrong = [
    ...[...present].filter((file) => !listed.has(file)).map((file) => `${file} is not listed`),
    ...[...listed].filter((file) => !present.has(file)).map((file) => `${file} is not there`),
  ]
  if (wrong.length > 0) throw new Error(`binding.gyp: ${wrong.join(', ')}`)
  return { summary: `${listed.size} files` }
}

function typeScript() {
  for (const project of ['tsconfig.json', 'tsconfig.browser.json']) {
    module('typescript/bin/tsc', '--noEmit', '-p', project)
  }
}

/** Why the clang programs cannot be used here; undefined where they can. */
function noClang() {
  if (!needPrograms({ ...cmakePrograms, ...clangPrograms }, { required: false })) {
    return 'clang-format, clang-tidy, cmake or doctest is not here'
  }
  for (const program of Object.keys(clangPrograms)) {
    const version = /version (\d+)/.exec(outcome(program, ['--version']))?.[1]
    if (Number(version) !== CLANG) return `${program} is version ${version}, not ${CLANG}`
  }
  return undefined
}

function format() {
  const files = [
    ...sources('native', ['.cc', '.h']),
    ...sources('test/native', ['.cc', '.h']),
    ...sources('bench', ['.c']),
  ].filter((file) => !file.includes('/build/'))
  outcome('clang-format', ['--dry-run', '-Werror', ...files])
  return { summary: `${files.length} files` }
}

function digest(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** What clang-tidy says of a file; empty when nothing. */
function tidyOne(folder, file) {
  return new Promise((resolve, reject) => {
    const child = spawn('clang-tidy', ['--quiet', '-p', folder, file], { cwd: root })
    let said = ''
    let errors = ''
    child.stdout.on('data', (data) => {
      said += data
    })
    child.stderr.on('data', (data) => {
      errors += data // counts of warnings in system headers, or why it cannot start
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0 ? said.trim() : `${said}${errors}`.trim()))
  })
}

/** Looks at the files that have changed, or whose headers have, since they were found clean. */
async function tidy() {
  const files = [...sources('native', ['.cc']), ...sources('test/native', ['.cc'])]
  const headers = [...sources('native', ['.h']), ...sources('test/native', ['.h'])]
  const around = digest(['.clang-tidy', 'CMakeLists.txt', ...headers])
  const record = join(cache, 'clang-tidy.json')
  const clean = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {}
  const wanted = Object.fromEntries(files.map((file) => [file, `${around}${digest([file])}`]))
  const anew = files.filter((file) => clean[file] !== wanted[file])
  const wrong = []
  if (anew.length > 0) {
    say(`clang-tidy: ${anew.length} files to look at`)
    const folder = configure('plain')
    const queue = [...anew]
    const worker = async () => {
      for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
        const said = await tidyOne(folder, file)
        if (said === '') clean[file] = wanted[file]
        else wrong.push(said)
      }
    }
    await Promise.all(Array.from({ length: cpus().length || 1 }, worker))
    mkdirSync(cache, { recursive: true })
    writeFileSync(record, JSON.stringify(clean))
  }
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  return { summary: `${files.length} files, ${anew.length} of them anew` }
}

installDependencies()
await check('biome', () =>
  module('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--colors=off', '.'),
)
await check('tsc', typeScript)
await check('publint', () => {
  buildTypeScript()
  module('publint/src/cli.js', '--strict')
})
await check('sources', listedSources)
const reason = noClang()
await check('clang-format', () => (reason === undefined ? format() : { skipped: reason }))
await check('clang-tidy', () => (reason === undefined ? tidy() : { skipped: reason }))

const failed = results.some((result) => result.failed)
say(`lint ${failed ? 'FAILED' : 'passed'}: ${results.map((result) => result.text).join(', ')}`)
process.exit(failed ? 1 : 0)
