// Packages from Debian, without a change to the host: apt works on lists and a cache of its own, and
// the packages are unpacked, not installed. apt checks them against Debian's signatures.

import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from './cache.js'
import { command } from './command.js'

const RELEASE = 'bookworm'
export const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const MIRRORS = {
  main: 'http://deb.debian.org/debian',
  security: 'http://deb.debian.org/debian-security',
}

/** The mirrors that the host's own apt uses, where it is a Debian. */
async function mirrors(): Promise<typeof MIRRORS> {
  const found = { ...MIRRORS }
  const folder = '/etc/apt/sources.list.d'
  const names = existsSync(folder) ? await readdir(folder) : []
  const files = ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))]
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '')
    for (const [url] of text.matchAll(/https?:\/\/[^\s\]]+/g)) {
      if (/\/debian-security\/?$/.test(url)) found.security = url
      else if (/\/debian\/?$/.test(url)) found.main = url
    }
  }
  return found
}

/** apt with a state of its own; what the host says of proxies holds. */
export class Debian {
  readonly #root = join(cacheFolder(), 'apt')
  #updated = false

  async #apt(program: 'apt-get' | 'apt-cache', args: readonly string[], cwd?: string) {
    const settings = {
      'Dir::Etc::sourcelist': join(this.#root, 'sources.list'),
      'Dir::Etc::sourceparts': '-',
      'Dir::Etc::preferencesparts': '-',
      'Dir::State': join(this.#root, 'state'),
      'Dir::State::status': join(this.#root, 'state/status'),
      'Dir::Cache': join(this.#root, 'cache'),
      'APT::Architecture': 'amd64',
      ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
    return command(program, [...options, ...args], cwd === undefined ? {} : { cwd })
  }

  async #update(): Promise<void> {
    if (this.#updated) return
    const { main, security } = await mirrors()
    const signed = `[signed-by=${KEYRING}]`
    const lines = [
      `deb ${signed} ${main} ${RELEASE} main`,
      `deb ${signed} ${security} ${RELEASE}-security main`,
    ]
    await mkdir(join(this.#root, 'state/lists/partial'), { recursive: true })
    await mkdir(join(this.#root, 'cache/archives/partial'), { recursive: true })
    await writeFile(join(this.#root, 'state/status'), '')
    await writeFile(join(this.#root, 'sources.list'), `${lines.join('\n')}\n`)
    await this.#apt('apt-get', ['update', '-qq'])
    this.#updated = true
  }

  /** The packages that a package depends on directly. */
  async dependencies(name: string): Promise<string[]> {
    await this.#update()
    const text = await this.#apt('apt-cache', ['depends', '--important', name])
    return [...text.matchAll(/^\s*Depends: (\S+)$/gm)].map(([, dependency]) => dependency as string)
  }

  /** Downloads packages and unpacks them, one over the other, into a folder. */
  async unpack(names: readonly string[], folder: string): Promise<void> {
    await this.#update()
    const archives = join(folder, '.debs')
    await mkdir(archives, { recursive: true })
    await this.#apt('apt-get', ['download', '-qq', ...names], archives)
    for (const archive of await readdir(archives)) {
      await command('dpkg-deb', ['--extract', join(archives, archive), folder])
    }
    await rm(archives, { recursive: true })
  }
}
