// What this package runs from and on: its own folder and version, and the C library. Loads nothing
// native, so that it can be told where the addon cannot be loaded.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's folder: the nearest one above this file with a package.json. */
export const packageRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
})()

/** The version in package.json. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version
}

/** What to type to build the addon from source. */
export function buildCommand(): string {
  return `npm run install --prefix '${packageRoot}'`
}

/** What to type to run the `emucxl` command with these words: where it is installed, or in a clone. */
export function commandLine(words: string): string {
  if (packageRoot.includes(`${sep}node_modules${sep}`)) return `npx emucxl ${words}`
  const main = relative(process.cwd(), join(packageRoot, 'dist/lib/cli/main.js'))
  return `node ${main} ${words}`
}

/** The C library: `glibc 2.36`, or `musl`. */
export function libc(): string {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean }
  const before = report.excludeNetwork ?? false
  report.excludeNetwork = true // else the report looks up the names of open connections
  try {
    const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } }
    return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`
  } finally {
    report.excludeNetwork = before
  }
}
