// `emucxl vm`: its words, and what it says where it cannot run. `npm run test:appliance` boots it.

import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { emucxl } from './command.js'

test('help names every option', async () => {
  const { code, stdout, stderr } = await emucxl(['vm', '--help'])
  expect([code, stderr]).toEqual([0, ''])
  for (const word of ['run', 'shell', 'clean', '--local', '--remote', '--kernel', '--accel']) {
    expect(stdout).toContain(word)
  }
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

describe('wrong usage', () => {
  test.for([
    [[], 'run, shell or clean?'],
    [['fly'], "unknown command 'fly'; there are run, shell, clean"],
    [['run', '--local', '1', '--', 'true'], '--local must be at least 512M'],
    [['run', '--local', 'lots', '--', 'true'], '--local must be a number of bytes'],
    [['run', '--remote=0', '--', 'true'], '--remote must be a number of bytes'],
    [['run', '--cpus', '0', 'true'], '--cpus must be a whole number from 1 on'],
    [['run', '--kernel', '2.6', 'true'], "unknown kernel '2.6'; there are 6.12, 6.1"],
    [['run', '--accel', 'magic', 'true'], "unknown accelerator 'magic'"],
    [['run', '--wings', 'true'], "unknown option '--wings'"],
    [['run', '--module', 'a=1', '--no-module', 'true'], 'exclude each other'],
    [['run'], 'a shell needs a terminal; run takes a command'],
    [['shell', 'true'], "unknown word 'true'"],
    [['clean', 'all'], "unknown word 'all'"],
  ] as [string[], string][])('%j', async ([args, says]) => {
    const { code, stdout, stderr } = await emucxl(['vm', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(says)
    expect(stderr).toContain("Try 'emucxl vm --help'")
  })
})

const made: string[] = []

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true })
})

/** A folder for PATH with this Node.js, and programs that do nothing but fail. */
function path(...programs: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-path-'))
  made.push(folder)
  symlinkSync(process.execPath, join(folder, 'node'))
  for (const name of programs) symlinkSync('/bin/false', join(folder, name))
  return folder
}

describe('where it cannot run, it says why, and stops', () => {
  const cache = join(tmpdir(), 'emucxl-no-cache')
  const anywhere = { PATH: path('apt-get', 'dpkg-deb') }

  test.for([
    ['programs are missing', anywhere, [], /apt-get install -y .*qemu-system-x86/],
    ['Debian’s are', { PATH: path() }, [], /takes apt-get and dpkg-deb/],
    ['the folder is one of the guest’s own', anywhere, ['/'], /^emucxl: \/ cannot be shown/m],
  ] as [string, Record<string, string>, [string?], RegExp][])(
    '%s',
    async ([, env, [cwd], says]) => {
      const outcome = await emucxl(['vm', 'run', '--', 'true'], {
        env: { ...env, EMUCXL_CACHE: cache },
        cwd,
      })
      expect(outcome).toMatchObject({ code: 1, stdout: '' })
      expect(outcome.stderr).toMatch(says)
    },
  )

  test('a console file that cannot be written', async () => {
    const { code, stderr } = await emucxl(['vm', 'run', '--console', '/nope/x', 'true'])
    expect(code).toBe(2)
    expect(stderr).toContain('--console /nope/x cannot be written (ENOENT)')
  })
})
