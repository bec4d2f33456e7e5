// A sequence that ended the process, made smaller: each attempt is a process of its own.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ended, runChild } from './child.js'

const MOST_ATTEMPTS = 80
/** A crash may come only at times: a sequence counts as harmless after so many runs. */
const RUNS_EACH = 3

/** The sequence that a process was running when it ended, from its journal. */
export function lastSequence(journal: string): string[] {
  const [head = '', ...rest] = readFileSync(journal, 'utf8').split('\n')
  return rest.join('\n').slice(0, Number(head)).split('\n')
}

const crashed = ({ signal, code }: Ended): boolean => signal !== null || (code ?? 0) > 1

/** Leaves out what it can; returns the lines that still crash, and what they print. */
export async function shrinkCrash(
  program: string,
  backend: string,
  lines: string[],
): Promise<{ lines: string[]; ended: Ended | undefined }> {
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-fuzz-'))
  const file = join(folder, 'sequence')
  let attempts = 0
  const attempt = async (candidate: string[]): Promise<Ended | undefined> => {
    attempts++
    writeFileSync(file, candidate.join('\n'))
    for (let run = 0; run < RUNS_EACH; run++) {
      const ended = await runChild(program, backend, file)
      if (crashed(ended)) return ended
    }
    return undefined
  }
  try {
    let smallest = lines
    let ended = await attempt(lines)
    if (ended === undefined) return { lines, ended }
    for (let size = Math.ceil(lines.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 1; at < smallest.length && attempts < MOST_ATTEMPTS; ) {
        const candidate = [...smallest.slice(0, at), ...smallest.slice(at + size)]
        const again = await attempt(candidate)
        if (again === undefined) at += size
        else [smallest, ended] = [candidate, again]
      }
    }
    return { lines: smallest, ended }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
