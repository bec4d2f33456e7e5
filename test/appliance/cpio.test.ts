// The archive format, as cpio(5) has it; that the kernel reads it, every guest shows.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { writeArchive } from '../../dist/appliance/cpio.js'

interface Found {
  name: string
  mode: number
  data: string
}

function read(archive: Buffer): Found[] {
  const found: Found[] = []
  for (let at = 0; ; ) {
    expect(at % 4).toBe(0)
    expect(archive.toString('latin1', at, at + 6)).toBe('070701')
    const field = (index: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16)
    const [mode, size, nameSize] = [field(1), field(6), field(11)]
    const name = archive.toString('utf8', at + 110, at + 110 + nameSize - 1)
    expect(archive[at + 110 + nameSize - 1]).toBe(0)
    const data = Math.ceil((at + 110 + nameSize) / 4) * 4
    if (name === 'TRAILER!!!') {
      expect(Math.ceil((data + size) / 4) * 4).toBe(archive.length)
      return found
    }
    found.push({ name, mode, data: archive.toString('utf8', data, data + size) })
    at = Math.ceil((data + size) / 4) * 4
  }
}

test('holds folders, links and files of any length, to the byte', () => {
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-cpio-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'archive')
  const files = [0, 1, 2, 3, 4, 5, 4097].map((length) => 'x'.repeat(length))
  writeArchive(file, [
    { path: 'folder', type: 'folder' },
    { path: 'folder/línk', type: 'link', target: '/bin/busybox' },
    ...files.map((text, i) => ({
      path: `folder/${'f'.repeat(i + 1)}`,
      type: 'file' as const,
      mode: 0o644,
      data: Buffer.from(text),
    })),
  ])
  expect(read(readFileSync(file))).toEqual([
    { name: 'folder', mode: 0o040755, data: '' },
    { name: 'folder/línk', mode: 0o120777, data: '/bin/busybox' },
    ...files.map((data, i) => ({ name: `folder/${'f'.repeat(i + 1)}`, mode: 0o100644, data })),
  ])
})
