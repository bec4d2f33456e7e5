// Archives that the kernel unpacks as its first root file system: cpio(5), "new ASCII format".

import { closeSync, openSync, writeSync } from 'node:fs'

/** A file, folder or symbolic link; all belong to root. Folders come before what they hold. */
export type Entry =
  | { path: string; type: 'folder' }
  | { path: string; type: 'link'; target: string }
  | { path: string; type: 'file'; mode: number; data: Uint8Array }

const KIND = { folder: 0o040755, link: 0o120777, file: 0o100000 } as const
const END = 'TRAILER!!!'
const ALIGNMENT = 4

function padding(length: number): Uint8Array {
  return new Uint8Array((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT)
}

function header(name: string, inode: number, mode: number, size: number): Buffer {
  const [owner, group, links, time, device, checksum] = [0, 0, 1, 0, 0, 0]
  const fields = [inode, mode, owner, group, links, time, size, device, device, device, device]
  const numbers = [...fields, Buffer.byteLength(name) + 1, checksum]
  const digits = numbers.map((number) => number.toString(16).padStart(8, '0'))
  return Buffer.from(`070701${digits.join('')}${name}\0`)
}

/** Writes an archive. Times are 0, so that equal entries give equal bytes. */
export function writeArchive(file: string, entries: Iterable<Entry>): void {
  const descriptor = openSync(file, 'w')
  const write = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
    const rest = padding(bytes.length)
    if (rest.length > 0) writeSync(descriptor, rest)
  }
  try {
    let inode = 1
    for (const entry of entries) {
      const data =
        entry.type === 'file' ? entry.data : Buffer.from(entry.type === 'link' ? entry.target : '')
      const mode = KIND[entry.type] | (entry.type === 'file' ? entry.mode : 0)
      write(header(entry.path, inode++, mode, data.length))
      write(data)
    }
    write(header(END, 0, 0, 0))
  } finally {
    closeSync(descriptor)
  }
}
