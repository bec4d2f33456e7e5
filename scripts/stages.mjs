// The stages of a long test command: each is announced, timed and counted; at the end come the names
// of what failed, a table, and the line `N passed, N failed, N skipped`.

const NONE = { passed: 0, failed: 0, skipped: 0 }
export const PASSED = { ...NONE, passed: 1 }
export const FAILED = { ...NONE, failed: 1 }

function clock(ms) {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

export class Stages {
  #words
  #began = performance.now()
  #rows = []

  /** @param {readonly string[]} words only stages whose name has one of these words, if there are any */
  constructor(words = []) {
    this.#words = words
  }

  /** Runs a stage; `body` returns its counts, or a string: why it does not run here. */
  async run(name, body) {
    const words = name.split(/[ ,:]+/)
    if (this.#words.length > 0 && !this.#words.some((word) => words.includes(word))) return
    const began = performance.now()
    console.log(`\n── ${name} ── at ${clock(began - this.#began)}\n`)
    let counts
    try {
      counts = await body()
    } catch (error) {
      console.error(error)
      counts = FAILED
    }
    const ms = performance.now() - began
    const row = typeof counts === 'string' ? { ...NONE, reason: counts } : counts
    this.#rows.push({ name, ms, ...row })
    console.log(`\n${name}: ${row.reason === undefined ? clock(ms) : `not run: ${row.reason}`}`)
  }

  /** Prints the end; returns the exit code. */
  end() {
    console.log('')
    for (const { name, failures = [] } of this.#rows) {
      for (const failure of failures) console.log(`failed in ${name}: ${failure}`)
    }
    this.#table()
    const sum = (key) => this.#rows.reduce((total, row) => total + row[key], 0)
    console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
    return sum('failed') === 0 && sum('passed') > 0 ? 0 : 1
  }

  #table() {
    const heads = ['stage', 'passed', 'failed', 'skipped', 'time']
    const rows = this.#rows.map((row) =>
      row.reason === undefined
        ? [row.name, row.passed, row.failed, row.skipped, clock(row.ms)].map(String)
        : [row.name, '–', '–', '–', `not run: ${row.reason}`],
    )
    const widths = heads.map((head, column) =>
      Math.max(head.length, ...rows.map((row) => (column < 4 ? row[column].length : 0))),
    )
    for (const row of [heads, ...rows]) {
      const cells = row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]) : column < 4 ? cell.padStart(widths[column]) : cell,
      )
      console.log(cells.join('  '))
    }
  }
}
