// A process that may not compile text, as with --disallow-code-generation-from-strings.

import { vi } from 'vitest'

/** From here on, until `vi.unstubAllGlobals()`. */
export function forbidCompiling(): void {
  vi.stubGlobal('Function', () => {
    throw new EvalError('not here')
  })
}
