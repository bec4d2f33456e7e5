// Words and options of the command line: help, exit codes, and what is said of wrong ones.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { byteSize, UsageError, wholeNumber } from '../../lib/cli/usage.js'
import { emucxl } from './command.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** No addon is where the command looks for it. */
const WITHOUT_ADDON = { env: { EMUCXL_ADDON: '/nonexistent' } }

describe('help and version', () => {
  it.each([
    [['--help'], 'Usage: emucxl COMMAND'],
    [['-h'], 'Usage: emucxl COMMAND'],
    [['info', '--help'], 'Usage: emucxl info'],
    [['info', '-h'], 'Usage: emucxl info'],
    [['bench', '--help'], 'Usage: emucxl bench'],
    [['bench', 'queue', '-h'], 'Usage: emucxl bench'],
  ])('%j is printed without the addon, in 80 columns', async (args, start) => {
    const { code, stdout, stderr } = await emucxl(args, WITHOUT_ADDON)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.startsWith(start)).toBe(true)
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it('names every command, experiment, backend and latency model', async () => {
    const top = await emucxl(['--help'])
    expect(top.stdout).toMatch(/^ {2}info .*\n {2}doctor .*\n {2}bench /m)
    const bench = await emucxl(['bench', '--help'])
    for (const word of [
      ...['latency', 'bandwidth', 'alloc', 'migrate', 'access', 'queue', 'kv'],
      ...['auto', 'device', 'numa', 'emulated'],
    ]) {
      expect(bench.stdout).toMatch(new RegExp(`^  ${word} `, 'm'))
    }
    expect(bench.stdout).toContain('table-5-near')
  })

  it('tells the version of the package', async () => {
    const { code, stdout } = await emucxl(['--version'], WITHOUT_ADDON)
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${version}\n` })
  })

  it('prints help to stderr, with code 2, when no command is given', async () => {
    const { code, stdout, stderr } = await emucxl([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: emucxl COMMAND')
  })
})

describe('wrong usage ends with code 2, names the word and points to the help', () => {
  it.each([
    [['bnech'], "unknown command 'bnech'", 'emucxl --help'],
    [['toString'], "unknown command 'toString'", 'emucxl --help'],
    [['--jsno'], "unknown option '--jsno'", 'emucxl --help'],
    [['info', 'numa'], "'numa'", 'emucxl info --help'],
    [['info', '--jsno'], "'--jsno'", 'emucxl info --help'],
    [['info', '--json=yes'], '--json', 'emucxl info --help'],
    [['bench', 'qeue'], "unknown experiment 'qeue'", 'emucxl bench --help'],
    [['bench', '--jsno'], "'--jsno'", 'emucxl bench --help'],
    [['bench', '--runs'], '--runs', 'emucxl bench --help'],
    [['bench', '--runs', '0'], "'0'", 'emucxl bench --help'],
    [['bench', '--runs', '1.5'], "'1.5'", 'emucxl bench --help'],
    [
      ['bench', '--count', 'many'],
      "--count must be a whole number from 1 on, not 'many'",
      'emucxl bench --help',
    ],
    [['bench', '--size', '4Q'], "'4Q'", 'emucxl bench --help'],
    [['bench', '--backend', 'cxl'], "unknown backend 'cxl'", 'emucxl bench --help'],
    [['bench', '--latency-model', 'slow'], "unknown latency model 'slow'", 'emucxl bench --help'],
    [
      ['bench', '--latency-model', 'table-5-far', '--backend', 'numa'],
      'numa',
      'emucxl bench --help',
    ],
  ])('%j', async (args, named, hint) => {
    const { code, stdout, stderr } = await emucxl(args, WITHOUT_ADDON)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const lines = stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^emucxl: /)
    expect(lines[0]).toContain(named)
    expect(lines[1]).toBe(`Try '${hint}'.`)
  })
})

describe('numbers', () => {
  it.each([
    ['4096', 4096],
    ['64K', 65536],
    ['64KiB', 65536],
    ['64kb', 65536],
    ['128M', 2 ** 27],
    ['1.5G', 1.5 * 2 ** 30],
    ['2TiB', 2 ** 41],
    ['10 MiB', 10 * 2 ** 20],
  ])('reads the size %s', (text, bytes) => {
    expect(byteSize('emucxl bench', 'size', text)).toBe(bytes)
  })

  it.each(['', '0', '0.5', '-1', '1e6', 'K', '4Q', '4 4', '99999999T', 'Infinity', '0x10'])(
    'refuses the size %j',
    (text) => {
      expect(() => byteSize('emucxl bench', 'size', text)).toThrow(UsageError)
    },
  )

  it.each(['', '0', '-1', '1.5', '1e3', '9007199254740993', ' 1'])(
    'refuses the number %j',
    (text) => {
      expect(() => wholeNumber('emucxl bench', 'runs', text)).toThrow(UsageError)
    },
  )
})
