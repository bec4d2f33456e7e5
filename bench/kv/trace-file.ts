// Traces from files, which are streamed, and may be compressed by gzip or Zstandard. Compression and format
// are told by the contents, whatever the name of the file.

import { createReadStream } from 'node:fs'
import { pipeline, Readable, type Transform } from 'node:stream'
import zlib from 'node:zlib'
import { HEAD_BYTES, parserFor, Requests, type TraceFormat } from './trace-formats.js'
import type { Trace } from './traces.js'

/** Requests of a file that are read where the user has not said how many. */
export const FILE_READS = 1_000_000

const CHUNK_BYTES = 2 ** 20

/** What a trace file holds, as far as it was read. */
export interface FileTrace extends Trace {
  format: TraceFormat
  /** Whether the file has more requests. */
  cut: boolean
  /** Requests of objects of 0 bytes, which were left out. */
  empty: number
}

type Chunks = AsyncIterable<Buffer>

/** What undoes a compression, by what a file begins with. */
const COMPRESSIONS: { magic: Buffer; decompressor: () => Transform }[] = [
  { magic: Buffer.from('1f8b', 'hex'), decompressor: () => zlib.createGunzip() },
  { magic: Buffer.from('28b52ffd', 'hex'), decompressor: zstandard },
  { magic: Buffer.from('fd377a585a00', 'hex'), decompressor: () => refuse('xz', 'xz -d') },
  { magic: Buffer.from('425a68', 'hex'), decompressor: () => refuse('bzip2', 'bzip2 -d') },
]

function refuse(compression: string, remedy: string): never {
  throw new Error(`it is compressed by ${compression}: ${remedy} decompresses it`)
}

function zstandard(): Transform {
  const create = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress
  if (create !== undefined) return create()
  throw new Error(
    'it is compressed by Zstandard, which Node.js reads from 22.15 on: zstd -d decompresses it',
  )
}

async function* joined(first: Buffer, others: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  for (let next = await others.next(); !next.done; next = await others.next()) yield next.value
}

/** The contents of a file, decompressed. */
async function* contents(file: string): AsyncGenerator<Buffer, void, void> {
  const source = createReadStream(file, { highWaterMark: CHUNK_BYTES })
  try {
    const chunks = (source as Chunks)[Symbol.asyncIterator]()
    const first = await chunks.next()
    if (first.done) return
    const all = joined(first.value, chunks)
    const compression = COMPRESSIONS.find(({ magic }) =>
      first.value.subarray(0, magic.length).equals(magic),
    )
    if (compression === undefined) {
      yield* all
    } else {
      yield* pipeline(Readable.from(all), compression.decompressor(), () => {}) as Chunks
    }
  } finally {
    source.destroy()
  }
}

/** Feeds a file to the parser that it needs. */
async function parse(file: string, requests: Requests): Promise<TraceFormat> {
  let parser: ReturnType<typeof parserFor> | undefined
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of contents(file)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (rest.length < HEAD_BYTES) continue
    parser ??= parserFor(rest, requests)
    rest = parser.push(rest)
    if (requests.cut) return parser.format
  }
  if (parser === undefined && rest.length === 0) {
    throw new Error('it is empty: a trace has a request at least')
  }
  parser ??= parserFor(rest, requests)
  rest = parser.push(rest)
  if (!requests.cut) parser.end(rest)
  return parser.format
}

/**
 * The first `most` requests of a file, `name` in tables. Errors name the file, and the line or record that is
 * wrong.
 */
export async function readTraceFile(
  file: string,
  name: string,
  most = FILE_READS,
): Promise<FileTrace> {
  const requests = new Requests(most)
  try {
    const format = await parse(file, requests)
    const { reads, valueBytes, cut, empty } = requests
    if (reads.length === 0) throw new Error('all of its objects have 0 bytes')
    return { name, seed: null, reads, valueBytes, format, cut, empty }
  } catch (cause) {
    throw new Error(`--trace ${file}: ${explained(cause as NodeJS.ErrnoException)}`, { cause })
  }
}

/** What Node.js says of a file that cannot be read, with what to do. */
function explained({ code, message }: NodeJS.ErrnoException): string {
  if (code === undefined) return message
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a folder: name a file in it'
  if (code === 'EACCES') return 'this user may not read it'
  if (code.startsWith('Z_') || code.startsWith('ZSTD')) {
    return `it cannot be decompressed (${message}): copy it anew`
  }
  return message
}
