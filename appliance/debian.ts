// Packages from Debian, without a change to the host: apt works on lists and a cache of its own, and
// the packages are unpacked, not installed. apt checks them against Debian's signatures.

import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, locked } from './cache.js'
import { command } from './command.js'

const RELEASE = 'bookworm'
export const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const MIRRORS = {
  main: 'http://deb.debian.org/debian',
  security: 'http://deb.debian.org/debian-security',
}

interface Source {
  url: string
  suites: string
  components: string
}

/** The enabled entries of a file of apt's, of either format. */
export function readSources(name: string, text: string): Source[] {
  if (name.endsWith('.list')) {
    const lines = text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/gm)
    return [...lines].map(([, url = '', suites = '', components = '']) => ({
      url,
      suites,
      components,
    }))
  }
  if (!name.endsWith('.sources')) return []
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (key: string): string =>
      new RegExp(`^${key}:\\s*(.*)$`, 'im').exec(stanza)?.[1]?.trim() ?? ''
    if (/^no$/i.test(field('Enabled')) || !/\bdeb\b/.test(field('Types'))) return []
    const [suites, components] = [field('Suites'), field('Components')]
    return field('URIs')
      .split(/\s+/)
      .map((url) => ({ url, suites, components }))
  })
}

const SUITES = /\b(bookworm|trixie|forky|duke|sid|stable|oldstable|testing|unstable)\b/

/** The mirrors of Debian that the host's own apt uses, where it is a Debian. */
async function mirrors(): Promise<typeof MIRRORS> {
  const found = { ...MIRRORS }
  const folder = '/etc/apt/sources.list.d'
  const names = existsSync(folder) ? await readdir(folder) : []
  for (const file of ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))]) {
    const text = await readFile(file, 'utf8').catch(() => '')
    for (const { url, suites, components } of readSources(file, text)) {
      if (!SUITES.test(suites) || !/\bmain\b/.test(components)) continue
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

  async #apt(program: 'apt-get' | 'apt-cache', args: readonly string[], archives?: string) {
    const settings = {
      'Dir::Etc::sourcelist': join(this.#root, 'sources.list'),
      'Dir::Etc::sourceparts': '-',
      'Dir::Etc::preferencesparts': '-',
      'Dir::State': join(this.#root, 'state'),
      'Dir::State::status': join(this.#root, 'state/status'),
      'Dir::Cache': join(this.#root, 'cache'),
      'APT::Architecture': 'amd64',
      ...(archives === undefined ? {} : { 'Dir::Cache::archives': archives }),
      ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
    return command(program, [...options, ...args], archives === undefined ? {} : { cwd: archives })
  }

  async #update(): Promise<void> {
    if (this.#updated) return
    await locked('apt', () => this.#fetchLists())
    this.#updated = true
  }

  async #fetchLists(): Promise<void> {
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
  }

  /** The packages that a package depends on directly. */
  async dependencies(name: string): Promise<string[]> {
    await this.#update()
    const text = await locked('apt', () => this.#apt('apt-cache', ['depends', '--important', name]))
    return [...text.matchAll(/^\s*Depends: (\S+)$/gm)].map(([, dependency]) => dependency as string)
  }

  /** Downloads packages and unpacks them, one over the other, into a folder. */
  async unpack(names: readonly string[], folder: string): Promise<void> {
    await this.#unpack(['download', ...names], folder)
  }

  /** A package with all that it depends on, down to the C library: it runs on any system. */
  async unpackWhole(name: string, folder: string): Promise<void> {
    const install = ['install', '--download-only', '--yes', '--no-install-recommends']
    await this.#unpack([...install, name], folder)
  }

  async #unpack(request: readonly string[], folder: string): Promise<void> {
    await this.#update()
    const archives = join(folder, '.debs')
    await mkdir(join(archives, 'partial'), { recursive: true })
    await locked('apt', () => this.#apt('apt-get', ['-qq', ...request], archives))
    const names = (await readdir(archives)).filter((name) => name.endsWith('.deb'))
    for (const name of names) {
      await command('dpkg-deb', ['--extract', join(archives, name), folder])
    }
    await rm(archives, { recursive: true })
  }
}
