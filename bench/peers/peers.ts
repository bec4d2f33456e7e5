// The programs that this package is compared with: built from what lies here, and asked line by line.

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { packageRoot } from '../../lib/memory/host.js'

export type Allocator = 'mimalloc' | 'jemalloc'

/** A program of malloc.c, linked with an allocator. */
export class MallocPeer {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  constructor(allocator: Allocator) {
    const folder = join(packageRoot, '.cache/peers')
    mkdirSync(folder, { recursive: true })
    const program = join(folder, `malloc-${allocator}`)
    const source = join(packageRoot, 'bench/peers/malloc.c')
    const words = ['-O3', '-Wall', '-Wextra', '-o', program, source, `-l${allocator}`]
    const { status, stderr } = spawnSync('cc', words, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`cc ${words.join(' ')} failed:\n${stderr}`)
    this.#child = spawn(program)
    this.#reader = createInterface(this.#child.stdout)
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  /** Nanoseconds of one malloc with its free. */
  async measure(what: 'pair' | 'batch', size: number, count: number): Promise<number> {
    this.#child.stdin.write(`${what} ${size} ${count}\n`)
    const { value } = await this.#lines.next()
    return Number(value)
  }

  close(): void {
    this.#reader.close()
    this.#child.stdin.end()
  }
}
