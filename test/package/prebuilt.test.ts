// The prebuilt binary asks the system for nothing that one with glibc 2.28 and the libstdc++ of GCC
// 8 lacks. This reads what it asks for; that it then runs there is for a machine of that age to show.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { neededVersions, newerThanAllowed } from '../../scripts/elf-versions.mjs'
import { prebuild } from '../../scripts/prebuild.mjs'
import { root } from '../../scripts/setup.mjs'

let file: string

beforeAll(() => {
  file = prebuild()
})

test('glibc 2.28 and GCC 8 have all that it asks for', () => {
  expect(neededVersions(file).length).toBeGreaterThan(20)
  expect(newerThanAllowed(file)).toEqual([])
})

test('the check finds what is too new', () => {
  expect(newerThanAllowed(file, { GLIBC: '2.2.5' })).toContainEqual(
    expect.stringMatching(/@GLIBC_2\.17$/),
  )
  expect(newerThanAllowed(file, { GLIBC: '2.28' })).toContainEqual(
    expect.stringMatching(/@GLIBCXX_3\.4/),
  )
})

test('it links to libstdc++ and glibc alone: neither libnuma nor a Node.js of some version', () => {
  const { stdout } = spawnSync('readelf', ['--dynamic', '--wide', file], { encoding: 'utf8' })
  const libraries = [...stdout.matchAll(/NEEDED.*\[(.*)\]/g)].map(([, library]) => library)
  const allowed =
    /^(libstdc\+\+\.so\.6|libgcc_s\.so\.1|libm\.so\.6|libc\.so\.6|ld-linux-.*\.so\.\d)$/
  expect(libraries.length).toBeGreaterThan(1)
  expect(libraries.filter((library) => !allowed.test(library ?? ''))).toEqual([])
})

test('it is never unloaded: finalizers may outlive the last environment', () => {
  const { stdout } = spawnSync('readelf', ['--dynamic', '--wide', file], { encoding: 'utf8' })
  expect(stdout).toMatch(/FLAGS_1.*NODELETE/)
})

test('it is stripped', () => {
  const { stdout } = spawnSync('readelf', ['--sections', '--wide', file], { encoding: 'utf8' })
  expect(stdout).toContain('.dynsym')
  expect(stdout).not.toMatch(/\.symtab|\.debug_info/)
})

test('what is built for this machine alone is not what goes into the package', () => {
  expect(file).toBe(join(root, 'prebuilds', `linux-${process.arch}`, 'emucxl.node'))
})
