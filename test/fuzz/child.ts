// Programs of this folder in a process of their own: a crash must not take the test with it.

import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')

/** Compiles this folder to one below the package, where its own name leads to what ships. */
export function compile(): string {
  const out = join(root, '.cache', `fuzz-${process.version}-${process.pid}`)
  mkdirSync(out, { recursive: true })
  for (const file of readdirSync(here).filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(here, file), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      fileName: file,
    })
    writeFileSync(join(out, file.replace(/\.ts$/, '.js')), outputText)
  }
  return out
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
}

/** Runs a compiled program to its end. */
export function runChild(program: string, ...programArguments: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', program, ...programArguments], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}
