// What is wrong with a file that should be a binary of the addon, told before the dynamic linker
// gets it: glibc calls another architecture's "No such file or directory", and a file that was cut
// off ends the process with SIGBUS. (The format is ELF: elf(5).)

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** ELF's numbers of what Node.js calls `process.arch`. */
const MACHINES: Readonly<Record<number, string>> = {
  3: 'ia32',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64',
}

const MAGIC = 0x7f454c46
const CLASS_64 = 2
const LITTLE_ENDIAN = 1
const HEADER_BYTES = 64
const PROGRAM_HEADER_BYTES = 56

function readAt(descriptor: number, position: number, length: number): DataView {
  const bytes = new Uint8Array(length)
  const read = readSync(descriptor, bytes, 0, length, position)
  return new DataView(bytes.buffer, 0, read)
}

/** Bytes that the file must have for everything that its program headers name; 64-bit ELF. */
function neededBytes(descriptor: number, header: DataView, little: boolean): number {
  const offset = Number(header.getBigUint64(32, little))
  const tableBytes = header.getUint16(56, little) * PROGRAM_HEADER_BYTES
  const table = readAt(descriptor, offset, tableBytes)
  let end = offset + tableBytes
  for (let at = 0; at + PROGRAM_HEADER_BYTES <= table.byteLength; at += PROGRAM_HEADER_BYTES) {
    const begin = Number(table.getBigUint64(at + 8, little))
    end = Math.max(end, begin + Number(table.getBigUint64(at + 32, little)))
  }
  return end
}

/** Why no process of this machine's architecture can load the file; undefined where it may. */
export function flaw(file: string): string | undefined {
  const descriptor = openSync(file, 'r')
  try {
    const { size } = fstatSync(descriptor)
    if (size === 0) return 'the file is empty'
    const header = readAt(descriptor, 0, HEADER_BYTES)
    if (header.byteLength < HEADER_BYTES || header.getUint32(0) !== MAGIC) {
      return `not a binary: the file, of ${size} bytes, does not begin as ELF does`
    }
    const little = header.getUint8(5) === LITTLE_ENDIAN
    const machine = header.getUint16(18, little)
    const arch = MACHINES[machine] ?? `ELF machine ${machine}`
    const known = Object.values(MACHINES).includes(process.arch)
    if (known && arch !== process.arch) return `a binary for ${arch}, and this is ${process.arch}`
    if (header.getUint8(4) !== CLASS_64) return undefined
    const needed = neededBytes(descriptor, header, little)
    return size < needed ? `the file was cut off: ${size} bytes of at least ${needed}` : undefined
  } finally {
    closeSync(descriptor)
  }
}
