// The event loop and the garbage collector, driven by hand. Finalizers of buffers run when the loop
// turns, so most of what these programs hunt needs a few turns at the right moment.
import { setImmediate as turn } from 'node:timers/promises'

export async function turns(count = 4) {
  for (let i = 0; i < count; i++) await turn()
}

/** Collects what is unreachable and lets its finalizers run. Needs --expose-gc. */
export async function collect() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc()
    await turns()
  }
}

/** Turns the loop, collecting, until `reached()`; throws with what `state()` says after 10 s. */
export async function settle(reached, state) {
  const end = Date.now() + 10_000
  while (!reached()) {
    if (Date.now() > end) throw new Error(`never reached: ${JSON.stringify(state())}`)
    globalThis.gc?.()
    await turns()
  }
}

export const soak = Number(process.env.EMUCXL_SOAK ?? 1)
