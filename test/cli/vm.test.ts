// `emucxl vm`: its words, and what it says where it cannot run. What it does is shown by
// `npm run test:appliance`.

import { mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
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

test('where programs are missing, it says which package brings them, and stops', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-path-'))
  symlinkSync(process.execPath, join(folder, 'node'))
  const env = { PATH: folder, EMUCXL_CACHE: join(folder, 'cache') }
  const { code, stdout, stderr } = await emucxl(['vm', 'run', '--', 'true'], { env })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/apt-get install -y .*qemu-system-x86/)
})
