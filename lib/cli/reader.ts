// Whether a command goes on where nobody reads its output any more, as behind `| head`: one that writes files
// has not done its work then.

let isNeeded = true

/** The command goes on without a reader. */
export function goOnWithoutReader(): void {
  isNeeded = false
}

export const isReaderNeeded = (): boolean => isNeeded
