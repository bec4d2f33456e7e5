// The programs that this package is compared with: built from what lies here, and asked line by line.

import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { packageRoot } from '../../lib/memory/host.js'

/** Compiles a program of this folder as users compile theirs; returns its path. */
export function compile(source: string, name: string, options: readonly string[]): string {
  const folder = join(packageRoot, '.cache/peers')
  mkdirSync(folder, { recursive: true })
  const program = join(folder, name)
  const file = join(packageRoot, 'bench/peers', source)
  const words = ['-O3', '-Wall', '-Wextra', '-o', program, file, ...options]
  const { status, stderr } = spawnSync('cc', words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cc ${words.join(' ')} failed:\n${stderr}`)
  return program
}

/** A program that answers each line with one line. */
export class Peer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface
  readonly #words: readonly string[]

  constructor(program: string, words: readonly string[] = []) {
    this.#words = [program, ...words]
    this.#child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#reader = createInterface(this.#child.stdout)
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  async ask(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error(`${this.#words.join(' ')} ended when asked '${line}'`)
    return value
  }

  close(): void {
    this.#reader.close()
    this.#child.stdin.end()
  }
}

export type Allocator = 'mimalloc' | 'jemalloc'

/** A program of malloc.c, linked with an allocator. */
export class MallocPeer extends Peer {
  constructor(allocator: Allocator) {
    super(compile('malloc.c', `malloc-${allocator}`, [`-l${allocator}`]))
  }

  /** Nanoseconds of one malloc with its free. */
  async measure(what: 'pair' | 'batch', size: number, count: number): Promise<number> {
    return Number(await this.ask(`${what} ${size} ${count}`))
  }
}
