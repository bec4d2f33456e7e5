// How far a long command is, on stderr: one line that changes on a terminal, a line for each part
// elsewhere.

const CLEAR = '\r\x1b[K'
const MS_BETWEEN = 100

export class Progress {
  readonly #stream: NodeJS.WriteStream
  readonly #live: boolean
  #name = ''
  #began = 0
  #shown = 0
  #open = false

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream
    this.#live = stream.isTTY === true
    // An interrupted command leaves the cursor on a line of its own.
    if (this.#live) process.once('exit', () => this.#open && stream.write('\n'))
  }

  /** Starts a part. */
  start(name: string): void {
    this.#name = name
    this.#began = performance.now()
    this.#shown = 0
    if (this.#live) this.update(0)
    else this.#stream.write(`${name} …\n`)
  }

  /** @param done from 0 to 1 */
  update(done: number): void {
    const now = performance.now()
    if (!this.#live || (done > 0 && now - this.#shown < MS_BETWEEN)) return
    this.#shown = now
    const percent = `${Math.round(100 * done)}`.padStart(3)
    this.#stream.write(`${CLEAR}${this.#name}  ${percent} %  ${this.#elapsed()}`)
    this.#open = true
  }

  /** Ends the part: its line goes, to make room for its table. */
  end(): void {
    if (this.#live) this.#stream.write(CLEAR)
    else this.#stream.write(`${this.#name} done in ${this.#elapsed()}\n`)
    this.#open = false
  }

  #elapsed(): string {
    return `${((performance.now() - this.#began) / 1000).toFixed(1)} s`
  }
}
