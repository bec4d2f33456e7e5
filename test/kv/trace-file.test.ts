// Trace files: both formats, compressed or not, in any pieces; and files that are none.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import zlib from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { readTraceFile } from '../../bench/kv/trace-file.js'
import { parserFor, Requests } from '../../bench/kv/trace-formats.js'

const folder = mkdtempSync(join(tmpdir(), 'emucxl-trace-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, contents: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, contents)
  return path
}

const NEVER = -1n

function record(id: bigint, bytes: number, next = NEVER): Buffer {
  const packed = Buffer.alloc(24)
  packed.writeUInt32LE(1_700_000_000)
  packed.writeBigUInt64LE(id, 4)
  packed.writeUInt32LE(bytes, 12)
  packed.writeBigInt64LE(next, 16)
  return packed
}

const A = 2n ** 64n - 1n
const B = 2n ** 64n - 2n // the same number, as a double
const RECORDS = Buffer.concat([
  record(A, 10, 3n),
  record(7n, 4096, 2n ** 63n - 1n),
  record(B, 2 ** 29),
  record(A, 20),
])
const OF_RECORDS = { reads: [0, 1, 2, 0], valueBytes: [10, 4096, 2 ** 29] }

async function contents(path: string, most?: number) {
  const { reads, valueBytes, ...more } = await readTraceFile(path, 'trace', most)
  return { reads: [...reads], valueBytes: [...valueBytes], ...more }
}

describe('a text', () => {
  test.each([
    ['with a last line feed', 'x\ny\nx\nzz\n'],
    ['without one', 'x\ny\nx\nzz'],
    ['of DOS', 'x\r\ny\r\nx\r\nzz\r\n'],
  ])('%s has an id a line', async (name, text) => {
    expect(await contents(file(`${name}.txt`, text))).toEqual({
      name: 'trace',
      seed: null,
      format: 'txt',
      reads: [0, 1, 0, 2],
      valueBytes: [100, 100, 100],
      cut: false,
      empty: 0,
    })
  })

  test('has ids of any bytes but control characters and separators', async () => {
    const ids = ['0', '00', 'https://x.org/ü?a=b', '7'.repeat(4096), 'Ä', '\u00c4\u0080']
    const { reads } = await contents(file('ids', `${ids.join('\n')}\n${ids.join('\n')}`))
    expect(reads).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5])
  })
})

describe('oracleGeneral', () => {
  test('has ids of 64 bits, and sizes: that of the first read counts', async () => {
    expect(await contents(file('records', RECORDS))).toMatchObject({
      format: 'oracleGeneral',
      ...OF_RECORDS,
    })
  })

  test('leaves requests of 0 bytes out, as libCacheSim does, and counts them', async () => {
    const all = Buffer.concat([record(1n, 0), RECORDS, record(1n, 0)])
    expect(await contents(file('zeros', all))).toMatchObject({ ...OF_RECORDS, empty: 2 })
  })
})

describe('as many requests as are wanted', () => {
  test.each([
    ['txt', 'a\nb\na\nb\n'],
    ['oracleGeneral', RECORDS],
  ])('%s', async (format, all) => {
    const path = file(`most.${format}`, all)
    expect(await contents(path, 3)).toMatchObject({ reads: { length: 3 }, cut: true })
    expect(await contents(path, 4)).toMatchObject({ reads: { length: 4 }, cut: false })
  })

  test('what comes after them is not looked at', async () => {
    const path = file('rest', Buffer.concat([RECORDS, Buffer.alloc(24, 0x99)]))
    expect(await contents(path, 4)).toMatchObject({ ...OF_RECORDS, cut: true })
  })
})

describe('compressed', () => {
  const text = Array.from({ length: 50_000 }, (_, i) => `${i % 1234}\n`).join('')

  test('by gzip, in two parts, whatever its name', async () => {
    const half = text.length / 2
    const parts = [text.slice(0, half), text.slice(half)].map((part) => zlib.gzipSync(part))
    const { reads, valueBytes } = await contents(file('compressed.bin', Buffer.concat(parts)))
    expect([reads.length, valueBytes.length]).toEqual([50_000, 1234])
  })

  test('by zstd: it is read, or the error names the remedy', async (context) => {
    const plain = file('plain', text)
    const { error } = spawnSync('zstd', ['-q', plain, '-o', `${plain}.zst`])
    if (error !== undefined) context.skip('zstd is not here')
    const read = contents(`${plain}.zst`)
    if ('createZstdDecompress' in zlib) expect((await read).reads).toHaveLength(50_000)
    else await expect(read).rejects.toThrow('22.15 on: zstd -d decompresses it')
  })
})

test('pieces of any size make the same trace', () => {
  for (const all of [Buffer.from('one\ntwo\r\none\n\u00fc\n'), RECORDS]) {
    for (let size = 1; size <= all.length; size++) {
      const requests = new Requests(100)
      const parser = parserFor(all, requests)
      let rest: Buffer = Buffer.alloc(0)
      for (let at = 0; at < all.length; at += size) {
        rest = parser.push(Buffer.concat([rest, all.subarray(at, at + size)]))
      }
      parser.end(rest)
      expect(requests.reads).toHaveLength(4)
      expect(requests.valueBytes).toHaveLength(3)
    }
  }
})

const BAD: [what: string, contents: string | Buffer, message: RegExp][] = [
  ['empty', '', /it is empty/],
  ['an empty line', 'a\nb\n\nc\n', /line 3 is empty: grep -v/],
  ['only an empty line', '\n', /line 1 is empty/],
  ['fields', 'a\n1,2\n', /line 2 has several fields, .*: cut -d/],
  ['fields between blanks', '1 2\n', /line 1 has several fields/],
  [
    'a line that does not end',
    'a'.repeat(3_000_000),
    /line 1 is longer than 4096 bytes: .*traceConv/,
  ],
  ['a long last line', `a\n${'b'.repeat(4097)}`, /line 2 is longer/],
  ['binary after text', `${'abc\n'.repeat(20)}\0\0\n`, /line 21 has control characters/],
  ['a record that ends early', RECORDS.subarray(0, 90), /ends 18 bytes into record 4, .*--count 3/],
  ['less than a record', RECORDS.subarray(0, 23), /ends 23 bytes into record 1/],
  [
    'other records',
    Buffer.concat([RECORDS, record(1n, 5, -2n)]),
    /record 5 cannot be.* -2: .*traceConv/,
  ],
  ['noise', Buffer.alloc(4096, Buffer.from('0102fe9c77', 'hex')), /record 1 cannot be/],
  [
    'a negative size',
    record(1n, 2 ** 32 - 1),
    /record 1 has an object of 4294967295 bytes.*536870912/,
  ],
  ['nothing but 0 bytes', Buffer.alloc(48), /all of its objects have 0 bytes/],
  [
    'half a gzip',
    zlib.gzipSync('abc\n'.repeat(9999)).subarray(0, 40),
    /cannot be decompressed.*copy it/,
  ],
  ['no gzip', Buffer.from('1f8b0800ffff', 'hex'), /cannot be decompressed/],
  ['xz', Buffer.from('fd377a585a0000', 'hex'), /xz -d decompresses it/],
]

test.each(BAD)('%s is refused, in words that name the file', async (what, bytes, message) => {
  const path = file(`bad ${what}`, bytes)
  const error = await readTraceFile(path, 'trace').catch((caught: Error) => caught)
  expect(error).toBeInstanceOf(Error)
  expect((error as Error).message).toMatch(message)
  expect((error as Error).message).toContain(`--trace ${path}: `)
})

test('what is no file is refused', async () => {
  await expect(readTraceFile(join(folder, 'none'), 'trace')).rejects.toThrow(
    'there is no such file',
  )
  await expect(readTraceFile(folder, 'trace')).rejects.toThrow('it is a folder')
})
