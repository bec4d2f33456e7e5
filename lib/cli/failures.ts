// What went wrong, of which a command that found something is none the less to be told.

export class Failures {
  #first: { error: unknown } | undefined

  /** Does it, and keeps what it throws. */
  async attempt(work: () => unknown): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.add(error)
    }
  }

  add(error: unknown): void {
    this.#first ??= { error }
  }

  /** Throws the first of them. */
  end(): void {
    if (this.#first !== undefined) throw this.#first.error
  }
}

/** What an error says in one line. */
export function lineOf(error: unknown): string {
  const { message } = error as { message?: string }
  return (message ?? String(error)).split('\n')[0] as string
}
