// How far a long command is, on stderr: one line that changes on a terminal, elsewhere a line for each
// part, completed when the part is.

const CLEAR = '\r\x1b[K'
const MS_BETWEEN = 100
const BAR = 20

/** Seconds as one says them of what is to come. */
function about(seconds: number): string {
  if (seconds < 1) return ''
  if (seconds < 90) return `, at most ${Math.ceil(seconds)} s left`
  return `, at most ${Math.ceil(seconds / 60)} min left`
}

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
    process.once('exit', () => this.leave())
  }

  /** Starts a part. */
  start(name: string): void {
    this.#name = name
    this.#began = performance.now()
    this.#shown = 0
    if (this.#live) this.update(0)
    else this.#stream.write(`${name} … `)
    this.#open = true
  }

  /**
   * @param done from 0 to 1
   * @param left seconds until the whole command is over, where that is known
   */
  update(done: number, left = 0): void {
    const now = performance.now()
    if (!this.#live || (done > 0 && now - this.#shown < MS_BETWEEN)) return
    this.#shown = now
    const percent = `${Math.round(100 * done)}`.padStart(3)
    const bar = '█'.repeat(Math.round(BAR * done)).padEnd(BAR, '░')
    this.#stream.write(
      `${CLEAR}${this.#name}  ${bar} ${percent} %  ${this.#elapsed()}${about(left)}`,
    )
  }

  /** Ends the part: its line goes, to make room for its table. */
  end(): void {
    this.#stream.write(this.#live ? CLEAR : `${this.#elapsed()}\n`)
    this.#open = false
  }

  /** Leaves a part that was not finished: what comes next stands on a line of its own. */
  leave(): void {
    if (this.#open) this.#stream.write('\n')
    this.#open = false
  }

  #elapsed(): string {
    return `${((performance.now() - this.#began) / 1000).toFixed(1)} s`
  }
}
