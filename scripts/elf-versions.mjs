// Which versions of the system's libraries a binary asks for, symbol by symbol, and which of them
// are newer than what the prebuilt binaries may ask for.

import { spawnSync } from 'node:child_process'

/**
 * The floor of Node.js 20 to 26 themselves: Debian 10, RHEL 8, Ubuntu 20.04 and all that is newer.
 * GLIBCXX, CXXABI and GCC are those of GCC 8's libstdc++ and libgcc.
 */
export const NEWEST_ALLOWED = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '7.0.0' }

function isNewer(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number))
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0)
  }
  return false
}

/**
 * What a binary takes from other libraries, where that has a version.
 * @param {string} file
 * @returns {{ symbol: string, library: string, version: string }[]}
 */
export function neededVersions(file) {
  const result = spawnSync('readelf', ['--dyn-syms', '--wide', file], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`readelf ${file}: ${result.stderr || result.error}`)
  // …  FUNC    GLOBAL DEFAULT  UND dlopen@GLIBC_2.34 (5)
  const pattern = /\bUND (\S+?)@(\w+?)_([\d.]+) /g
  return [...`${result.stdout} `.replaceAll('\n', ' \n').matchAll(pattern)].map(
    ([, symbol, library, version]) => ({ symbol, library, version }),
  )
}

/**
 * The symbols that older systems lack, as `symbol@LIBRARY_version`.
 * @param {string} file
 * @param {Record<string, string>} allowed the newest version of each library
 */
export function newerThanAllowed(file, allowed = NEWEST_ALLOWED) {
  return neededVersions(file)
    .filter(
      ({ library, version }) =>
        allowed[library] === undefined || isNewer(version, allowed[library]),
    )
    .map(({ symbol, library, version }) => `${symbol}@${library}_${version}`)
}
