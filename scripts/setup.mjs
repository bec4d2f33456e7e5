// What every command of this folder does first: install what is missing, and build what has changed.
// Needs nothing but Node.js.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasHome, nodeGyp } from './node-gyp.mjs'
import { needPrograms, say } from './programs.mjs'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const cache = join(root, '.cache')

/** Ends with the failed command's code; its output has said what is wrong. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.error !== undefined) {
    say(`${command}: ${result.error.message}`)
    process.exit(1)
  }
  if (result.status !== 0 && options.check !== false) {
    say(`failed: ${[command, ...args].join(' ')}`)
    process.exit(result.status ?? 1)
  }
  return result
}

function files(path) {
  if (!existsSync(path)) return []
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Runs `build` unless it ran before for the same contents of `inputs`, and left `output`. */
export function whenChanged(name, inputs, output, build) {
  const hash = createHash('sha256').update(process.arch) // not the version: Node-API is for all
  for (const file of inputs.flatMap((input) => files(join(root, input)))) {
    hash.update(relative(root, file)).update(readFileSync(file))
  }
  const stamp = join(cache, `${name}.stamp`)
  const digest = hash.digest('hex')
  const fresh = existsSync(join(root, output)) && existsSync(stamp)
  if (fresh && readFileSync(stamp, 'utf8') === digest) return
  build()
  mkdirSync(cache, { recursive: true })
  writeFileSync(stamp, digest)
}

/** npm's environment, with a cache that can be written where the user has no home. */
export function npmEnvironment() {
  return hasHome() ? process.env : { ...process.env, npm_config_cache: join(cache, 'npm') }
}

export function installDependencies() {
  whenChanged('dependencies', ['package-lock.json'], 'node_modules/.package-lock.json', () => {
    say('Installing development dependencies')
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      env: npmEnvironment(),
      stdio: ['ignore', 2, 2],
    })
  })
}

/** What node-gyp needs, by program: the Debian package. */
export const compilers = { 'g++': 'g++', make: 'make', python3: 'python3' }

export function buildAddon() {
  needPrograms(compilers, { required: true })
  whenChanged(
    'addon',
    ['native', 'kmod/emucxl.h', 'binding.gyp'],
    'build/Release/emucxl.node',
    () => {
      say('Building the native addon')
      nodeGyp(root, ['rebuild'])
    },
  )
}

export function buildTypeScript() {
  const inputs = ['lib', 'bench', 'appliance', 'tsconfig.json', 'tsconfig.build.json']
  inputs.push('scripts/setup.mjs', 'scripts/bundle.mjs', 'scripts/schemas.mjs', 'package-lock.json') // how, and what, is bundled
  whenChanged('typescript', inputs, 'dist/lib/index.js', () => {
    say('Compiling TypeScript')
    rmSync(join(root, 'dist'), { recursive: true, force: true }) // else deleted files live on there
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    run(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')])
    run(process.execPath, [join(root, 'scripts/bundle.mjs')])
    bundle('kv/echarts.ts', { platform: 'node', format: 'esm' })
    bundle('browser/main.ts', { platform: 'browser', format: 'iife' })
    bundle('page/page.css', {})
    run(process.execPath, [join(root, 'scripts/schemas.mjs')])
  })
}

/** The licences of the packages whose code is bundled, as a comment. */
function licences() {
  const texts = ['echarts', 'zrender'].flatMap((name) =>
    ['NOTICE', 'LICENSE']
      .map((file) => join(root, 'node_modules', name, file))
      .filter((file) => existsSync(file))
      .map((file) => `${name}\n${readFileSync(file, 'utf8').replaceAll('*/', '* /')}`),
  )
  return `/*!\n${texts.join('\n')}*/`
}

/** Puts what a file of bench/ takes from other packages, and from others of its folder, into its compiled file. */
function bundle(file, options) {
  createRequire(import.meta.url)('esbuild').buildSync({
    entryPoints: [join(root, 'bench', file)],
    outfile: join(root, 'dist/bench', file.replace(/\.ts$/, '.js')),
    bundle: true,
    minify: true,
    charset: 'utf8',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"production"' },
    banner: { js: licences() },
    ...options,
  })
}

/** Whether the file with this `import.meta.url` is what Node.js was started with. */
export function isProgram(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url)
}

export function setUp() {
  installDependencies()
  buildAddon()
  buildTypeScript()
}
