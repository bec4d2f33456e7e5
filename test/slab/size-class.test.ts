// The classes of sizes, all of them up to 1 MiB, and some up to 1 GiB.

import { expect, test } from 'vitest'
import { classOf, sizeOfClass, slabBytesFor } from '../../lib/slab/size-class.js'

const powerIn = (value: number): number => value & -value

function wrong(size: number): string | undefined {
  const bytes = sizeOfClass(classOf(size))
  if (bytes < size) return `${size} gets ${bytes}`
  if (bytes - size >= size / 8) return `${size} gets ${bytes}: an eighth is lost`
  if (powerIn(bytes) < powerIn(size)) return `${size} gets ${bytes}: less aligned`
  if (classOf(bytes) !== classOf(size))
    return `${size}: class ${classOf(size)} is not that of ${bytes}`
  if (bytes > size && classOf(size - 1) > classOf(size)) return `${size}: falls`
  return undefined
}

test('every size gets an object that is as large, as aligned, and less than an eighth larger', () => {
  const failures: string[] = []
  for (let size = 1; size <= 2 ** 20; size++) {
    const found = wrong(size)
    if (found !== undefined) failures.push(found)
  }
  for (let size = 2 ** 20; size <= 2 ** 30; size = Math.ceil(size * 1.0001)) {
    const found = wrong(size)
    if (found !== undefined) failures.push(found)
  }
  expect(failures).toEqual([])
  expect(sizeOfClass(classOf(2 ** 30))).toBe(2 ** 30)
})

test('slabs have eight objects at least, whole pages, and little left over', () => {
  const sizes = Array.from({ length: 200 }, (_, number) => sizeOfClass(number)).slice(1)
  for (const size of sizes) {
    for (const least of [1, 4096, 65536]) {
      const bytes = slabBytesFor(size, least)
      expect(bytes % 4096).toBe(0)
      expect(bytes).toBeGreaterThanOrEqual(Math.max(least, 8 * size))
      expect(bytes).toBeLessThan(1.25 * Math.max(least, 8 * size) + 4096)
      if (bytes >= 65536) expect((bytes % size) / bytes).toBeLessThan(1 / 16)
    }
  }
})
