// The public types, by what compiles in the files types.ts and what does not.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
let folder: string

beforeAll(() => {
  mkdirSync(join(root, '.cache'), { recursive: true })
  folder = mkdtempSync(join(root, '.cache/types-')) // inside the package: it imports its own name
})

afterAll(() => rmSync(folder, { recursive: true }))

function compile(program: string): string {
  writeFileSync(join(folder, 'types.ts'), program)
  const extending = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { declaration: true }, // what is exported has types that can be named
    include: ['types.ts'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(extending))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' }).stdout
}

describe.each(['memory', 'slab'])('%s', (part) => {
  const text = readFileSync(join(root, 'test', part, 'types.ts'), 'utf8')

  test('what types.ts expects holds', () => {
    expect(compile(text)).toBe('')
  })

  test('each mistake in it is found', () => {
    const mistakes = text.match(/@ts-expect-error/g)?.length ?? 0
    const found = compile(text.replaceAll('@ts-expect-error', '')).match(/error TS/g)?.length
    expect(mistakes).toBeGreaterThan(5)
    expect(found).toBe(mistakes)
  })
})
