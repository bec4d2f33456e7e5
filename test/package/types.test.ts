// The type declarations, as a TypeScript project that has installed the package sees them: as an ES
// module, as CommonJS, and through a bundler; checked in full, with no library check skipped.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { root } from '../../scripts/setup.mjs'
import { install, pack, run } from './consumer.js'

// Compiles only if the types say what they should, and are not `any`.
const PROGRAM = `
import { Emucxl, EmucxlError, LOCAL_MEMORY, REMOTE_MEMORY, emucxl_init } from 'emucxl'
import type { ErrorCode, MigrateResult, NodeStats } from 'emucxl'

export async function program(): Promise<ErrorCode | undefined> {
  using cxl: Emucxl = Emucxl.open({ backend: 'emulated', capacity: { local: 1 << 20 } })
  const block: ArrayBuffer = cxl.alloc(4096, REMOTE_MEMORY)
  const moved: MigrateResult = cxl.migrate(block, LOCAL_MEMORY)
  const stats: NodeStats = cxl.stats(LOCAL_MEMORY)
  const free: number = stats.available + moved.moved
  await cxl.freeAsync(block, { signal: AbortSignal.timeout(1000) })
  // @ts-expect-error: a size is a number
  cxl.alloc('4096', free)
  // @ts-expect-error: no such backend
  emucxl_init({ backend: 'floppy' })
  // @ts-expect-error: open() makes them
  new Emucxl()
  // @ts-expect-error: no such code
  const code: ErrorCode = 'ERR_EMUCXL_NONE'
  const error: unknown = code
  return error instanceof EmucxlError ? error.code : undefined
}
`

const STRICT = { strict: true, skipLibCheck: false, noEmit: true, target: 'es2022' }

const PROJECTS: { name: string; file: string; options: object }[] = [
  { name: 'ES module, nodenext', file: 'program.mts', options: { module: 'nodenext' } },
  { name: 'CommonJS, nodenext', file: 'program.cts', options: { module: 'nodenext' } },
  { name: 'CommonJS, node20', file: 'program.cts', options: { module: 'node20' } },
  {
    name: 'bundler',
    file: 'program.ts',
    options: { module: 'esnext', moduleResolution: 'bundler' },
  },
]

let folder: string

beforeAll(() => {
  folder = install(pack(), ['--ignore-scripts'])
  mkdirSync(join(folder, 'node_modules/@types'))
  for (const name of ['@types/node', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
})

function check(file: string, text: string, options: object) {
  const config = { compilerOptions: { ...STRICT, ...options }, files: [file] }
  writeFileSync(join(folder, file), text)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  return run(process.execPath, [compiler, '-p', folder], folder)
}

test.for(PROJECTS)('$name', ({ file, options }) => {
  const types = { types: ['node'], lib: ['es2022', 'esnext.disposable'] }
  expect(check(file, PROGRAM, { ...types, ...options })).toMatchObject({ status: 0, stdout: '' })
})

test('without the types of Node.js, beside those of a browser', () => {
  const options = { module: 'nodenext', types: [], lib: ['es2022', 'dom', 'esnext.disposable'] }
  expect(check('plain.mts', PROGRAM, options)).toMatchObject({ status: 0, stdout: '' })
})

test('a mistake is told: the compiler does read the declarations', () => {
  const mistake = `import { Emucxl } from 'emucxl'\nexport const size: string = Emucxl.open().alloc(1, 0)\n`
  const options = { module: 'nodenext', types: ['node'], lib: ['es2022', 'esnext.disposable'] }
  const { status, stdout } = check('mistake.mts', mistake, options)
  expect(status).not.toBe(0)
  expect(stdout).toContain("Type 'ArrayBuffer' is not assignable to type 'string'")
})
